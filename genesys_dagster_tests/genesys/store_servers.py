"""Debian's Redis and Postgres on free ports of localhost, for the tests of what is kept in them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Redis:
    """A Redis that forgets everything when it is stopped; it may be started again."""

    def __init__(self):
        self.port = free_port()
        self.url = f"redis://:a-password@127.0.0.1:{self.port}/0"

    def start(self):
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "requirepass": "a-password"}
        command = [
            "redis-server",
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        self._process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
        _until_it_listens(self.port)
        return self

    def stop(self):
        self._process.kill()
        self._process.wait()


@contextmanager
def redis_server():
    redis = Redis().start()
    try:
        yield redis
    finally:
        redis.stop()


@contextmanager
def postgres_server(folder):
    """Yields the address of an empty database.

    Args:
        folder: Where it keeps its data; another user's than root's.
    """
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ["PATH"].split(os.pathsep))]
    programs = next(each for each in found if (each / "initdb").exists())
    user = "nobody" if os.getuid() == 0 else None  # Postgres refuses to be root
    folder.mkdir()
    if user:
        shutil.chown(folder, user)
    data, port = folder / "data", free_port()
    made = ["initdb", "--auth=trust", "--username=dagster", "--no-sync", f"--pgdata={data}"]
    subprocess.run([programs / made[0], *made[1:]], check=True, user=user, stdout=subprocess.DEVNULL)
    command = [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-F"]
    # It writes what time zone it likes; sessions must not depend on it.
    command += ["-c", "timezone=America/New_York", "-c", "shared_buffers=16MB"]
    process = subprocess.Popen(command, user=user, stderr=subprocess.DEVNULL)
    try:
        _until_it_listens(port)
        ready = [programs / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
        while subprocess.run(ready, check=False).returncode:
            time.sleep(0.02)
        yield f"postgresql://dagster:a-password@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # whoever is connected
        process.wait()


def _until_it_listens(port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nobody listens on port {port}")
