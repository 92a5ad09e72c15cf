"""Debian's Postgres and Redis, which can be stopped and started again with what they held."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from genesys_dagster_tests.production.processes import Process, is_listening, wait_until

# Nothing that is tested here is lost with the machine.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB")


class Postgres:
    """An empty database `dagster`.

    Args:
        folder: Where it keeps its data; made here.
        port: Where it listens on localhost.
        *settings: Further ones, as `name=value`.
    """

    def __init__(self, folder, port, *settings):
        self.port, self._settings = port, settings
        self._folder, self._programs = folder, _postgres_programs()
        self._process = None
        self._user = "postgres" if os.getuid() == 0 else None  # Postgres refuses to be root
        folder.mkdir()
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "--auth=trust", "--username=dagster", "--no-sync", "--pgdata", folder / "data")

    @property
    def url(self):
        return f"postgresql://dagster:a-password@127.0.0.1:{self.port}/postgres"

    @property
    def env(self):
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_PASSWORD": "dagster",
            "DAGSTER_POSTGRES_DB": "postgres",
        }

    def start(self):
        options = [word for each in (*_FAST, *self._settings) for word in ("-c", each)]
        command = [
            self._programs / "postgres",
            "-D",
            self._folder / "data",
            "-p",
            self.port,
            "-h",
            "127.0.0.1",
        ]
        self._process = Process(
            [*command, "-k", self._folder, *options], self._folder / "log", os.environ.copy(), self._user
        )
        ready = [self._programs / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, "Postgres is ready")

    def stop(self):
        """At once, whoever is connected ("fast shutdown")."""
        self._process.stop(signal.SIGINT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _run(self, program, *arguments):
        command = [str(self._programs / program), *map(str, arguments)]
        subprocess.run(
            command, check=True, user=self._user, cwd=self._folder, stdout=subprocess.DEVNULL, env=os.environ
        )


class Redis:
    """A broker, as deploy/README.md has it: what is in it survives a restart.

    Args:
        folder: Where it keeps its data; made here.
        port: Where it listens on localhost.
        password: What it asks for; nothing if that is empty.
    """

    def __init__(self, folder, port, password=""):
        self.port, self._folder, self._password = port, folder, password
        self._process = None
        folder.mkdir()

    @property
    def url(self):
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self):
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "appendonly": "yes",
            "save": "",
            **({"requirepass": self._password} if self._password else {}),
        }
        command = [
            "redis-server",
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        self._process = Process(command, self._folder / "log", os.environ.copy())
        wait_until(lambda: is_listening(self.port), "Redis is ready")

    def stop(self):
        self._process.stop()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def _postgres_programs():
    """Where Postgres's programs lie; Debian has them beside the path, by version."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *map(Path, os.environ["PATH"].split(os.pathsep))]
    return next(folder for folder in found if (folder / "initdb").exists())
