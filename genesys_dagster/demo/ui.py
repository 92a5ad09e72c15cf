"""The Dagster UI of the demo: `dagster dev` as a child process that never outlives it."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from genesys_dagster.demo.environment import DemoEnvironment

_START_SECONDS = 120
_STOP_SECONDS = 20


class DagsterUI:
    """`dagster dev` on localhost.

    Args:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def is_port_free(self) -> bool:
        """Whether nothing listens on the port yet."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True

    def serve_until_interrupted(self, environment: DemoEnvironment, greeting: str) -> None:
        """Start it, greet, wait; stop it on KeyboardInterrupt, which is passed on.

        Args:
            environment: what it runs on.
            greeting: what is said once it answers.

        Raises:
            click.ClickException: it did not come up, or ended by itself; its log file is named.
        """
        log = environment.state / "dagster-dev.log"
        click.echo("\nStarting the Dagster UI ...")
        process = self._start(environment.state / "dagster" / "workspace.yaml", log)
        try:
            self._wait_until_it_answers(process, log)
            click.echo(greeting)
            process.wait()
            raise click.ClickException(f"The Dagster UI has ended by itself: see {log}")
        finally:
            self._stop(process)

    def _start(self, workspace: Path, log: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dagster", "dev", "-w", str(workspace)]
        with log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - our own interpreter
                [*command, "-h", "127.0.0.1", "-p", str(self.port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the other in order
            )

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/server_info", timeout=5):  # noqa: S310 - our own localhost
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        raise click.ClickException(f"The Dagster UI did not come up: see {log}")

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
