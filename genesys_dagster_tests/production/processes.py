"""Processes of their own with a log each, which never outlive who started them."""

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

# A machine that does much else at once is no failure.
PATIENCE = 600.0
_LOOK_EVERY = 0.5  # s; what is looked at costs the webserver more than it costs us
_ENDS_WITHIN = 15.0


class Process:
    """A process in a session of its own.

    Args:
        command: What is run.
        log: Where it writes to.
        env: All of its environment.
        user: Whose it is; None for ours.
    """

    def __init__(self, command, log, env, user=None):
        self.log = Path(log)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.log.parent,
                user=user,
                start_new_session=True,
            )

    @property
    def group(self):
        """Its group of processes: it and all that it forked."""
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    def said(self, words):
        return words in self.log.read_text(errors="replace")

    def kill(self):
        """It and all that it forked, as if its machine were gone."""
        os.killpg(self.group, signal.SIGKILL)
        self._process.wait()

    def stop(self, number=signal.SIGTERM):
        if self.is_running:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDS_WITHIN)
        with suppress(ProcessLookupError):
            self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def wait_until(holds, what, within=PATIENCE):
    """What `holds` returns once it is true.

    Raises:
        AssertionError: It never was.
    """
    until = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < until, f"not within {within:.0f} s: {what}"
        time.sleep(_LOOK_EVERY)
    return found


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
