"""What the endpoints share: org, settings, tokens, request windows, jobs, log of requests."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.requests import Request

from genesys_dagster.sandbox.agents_time.storage import Storage
from genesys_dagster.sandbox.agents_time.timeline import AgentsTime
from genesys_dagster.sandbox.api.errors import missing_permission
from genesys_dagster.sandbox.api.limits import RateLimiter
from genesys_dagster.sandbox.api.pages import PageCache
from genesys_dagster.sandbox.api.selection import Selector
from genesys_dagster.sandbox.emissions import EmissionLog
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.settings import SandboxSettings
from genesys_dagster.sandbox.times import from_datetime

_LOGGED_REQUESTS = 20_000


class LoggedRequest(NamedTuple):
    """A request that the sandbox answered; status 0 if the connection was broken before the answer."""

    method: str
    path: str
    status: int
    query: str
    body: bytes


@dataclass
class State:
    """The running sandbox.

    Attributes:
        org: Whose conversations it serves.
        settings: Limits and faults.
        connections: The server's open connections, to break them; empty outside uvicorn.
        tokens: Access token → the clock's second it expires at.
        jobs: Job id → job (see `jobs`).
        limiter: Requests per token and minute.
        pages: Encoded pages.
        selector: Finds the conversations of queries.
        emissions: Finds the metrics that aggregates count.
        time: What users did all day.
        statuses: The records of it.
        requests: The latest requests, oldest first.
    """

    org: Org
    settings: SandboxSettings
    connections: Callable[[], Iterable[Any]] = tuple
    tokens: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    limiter: RateLimiter = field(default_factory=RateLimiter)
    pages: PageCache = field(default_factory=PageCache)
    selector: Selector = field(init=False)
    emissions: EmissionLog = field(init=False)
    time: AgentsTime = field(init=False)
    statuses: Storage = field(init=False)
    requests: deque[LoggedRequest] = field(default_factory=lambda: deque(maxlen=_LOGGED_REQUESTS))

    def __post_init__(self) -> None:
        self.selector = Selector(self.org)
        self.emissions = EmissionLog(self.org)
        self.time = AgentsTime(self.org)
        self.statuses = Storage(self.time)

    @property
    def now(self) -> int:
        """The org's present moment (ms)."""
        return from_datetime(self.settings.now())

    @property
    def watermark(self) -> int:
        """The moment up to which jobs know all conversations (ms), never after now."""
        return min(self.now, from_datetime(self.settings.watermark))

    @property
    def user_watermark(self) -> int:
        """The moment up to which jobs know all users' status (ms), never after now."""
        return min(self.now, from_datetime(self.settings.user_watermark))

    def require(self, *any_of: str) -> None:
        """Refuse the request unless the client has one of the permissions.

        Raises:
            ApiError: 403 `missing.any.permissions`.
        """
        if not self.settings.permissions.intersection(any_of):
            raise missing_permission(*any_of)


def state_of(request: Request) -> State:
    """The state of the sandbox that serves a request."""
    state: State = request.app.state.sandbox
    return state
