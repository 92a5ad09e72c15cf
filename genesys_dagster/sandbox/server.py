"""Servers to start and stop: the org over HTTP, and S3 beside it."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import uvicorn

from genesys_dagster.sandbox.agents_time.timeline import AgentsTime
from genesys_dagster.sandbox.api.app import create_app
from genesys_dagster.sandbox.api.state import LoggedRequest, State
from genesys_dagster.sandbox.faults import Faults
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.settings import SandboxSettings

__all__ = ["LoggedRequest", "S3Server", "SandboxServer"]

_HOST = "127.0.0.1"
_STOP_TIMEOUT = 10.0  # seconds


class SandboxServer:
    """A Genesys Cloud org served by uvicorn in a background thread; a context manager.

    Args:
        org: Whose conversations are served; a small org if not given.
        settings: Limits and faults.
        port: Port to listen on, 0 for a free one.

    Attributes:
        url: `http://127.0.0.1:PORT`, both API and login host (`GENESYSCLOUD_API_URL`, `GENESYSCLOUD_LOGIN_URL`).
        org: The org.
        settings: Limits and faults; changes take effect with the next request.
    """

    def __init__(
        self, org: Org | None = None, *, settings: SandboxSettings | None = None, port: int = 0
    ) -> None:
        self.org = org or Org(conversations_per_day=200)
        self.settings = settings or SandboxSettings(now=self.org.now)
        self.url = ""
        app = create_app(self.org, self.settings, connections=self._connections)
        self._state: State = app.state.sandbox
        config = uvicorn.Config(
            app,
            host=_HOST,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=60,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="genesys-sandbox", daemon=True)
        self._listening = threading.Event()
        self._error: BaseException | None = None

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.settings.faults

    @property
    def requests(self) -> deque[LoggedRequest]:
        """The latest requests (not those to `/sandbox`), oldest first; may be cleared."""
        return self._state.requests

    @property
    def jobs(self) -> dict[str, Any]:
        """The jobs that were submitted and not deleted, by id."""
        return self._state.jobs

    @property
    def time(self) -> AgentsTime:
        """What the org's users did all day: the truth behind the status records."""
        return self._state.time

    def env(self) -> dict[str, str]:
        """The `GENESYSCLOUD_*` variables with which the exporter uses this org."""
        return {
            "GENESYSCLOUD_API_URL": self.url,
            "GENESYSCLOUD_LOGIN_URL": self.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": self.settings.client_id,
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": self.settings.client_secret,
        }

    def revoke_tokens(self) -> None:
        """Make all tokens handed out so far unknown."""
        self._state.tokens.clear()

    def reset(self) -> None:
        """Faults off, rate limit, request log and jobs empty; org, settings and tokens stay."""
        self.faults.clear()
        self._state.limiter.clear()
        self._state.requests.clear()
        self._state.jobs.clear()

    @contextmanager
    def untouched(self) -> Iterator[Self]:
        """A fresh start for a test: reset before and after, and settings that it changes are put back."""
        before = dict(vars(self.settings))
        self.reset()
        try:
            yield self
        finally:
            self.reset()
            for name, value in before.items():
                setattr(self.settings, name, value)

    def start(self) -> Self:
        """Start serving; returns when requests are answered.

        Raises:
            OSError: The port is taken.
        """
        self._thread.start()
        self._listening.wait()
        if self._error is not None:
            raise OSError(f"the sandbox cannot listen on port {self._server.config.port}") from self._error
        return self

    def stop(self) -> None:
        """Stop serving and wait for the thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_STOP_TIMEOUT)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serve(self) -> None:
        try:
            sock = self._server.config.bind_socket()
        except SystemExit as error:  # uvicorn's way of saying that the port is taken
            self._error = error
            self._listening.set()
            return
        self.url = f"http://{_HOST}:{sock.getsockname()[1]}"
        # The socket accepts connections from here on; they are answered once the loop runs.
        sock.listen(2048)
        self._listening.set()
        self._server.run(sockets=[sock])

    def _connections(self) -> list[Any]:
        return list(self._server.server_state.connections)
