"""One limit for all requests of an OAuth client: our own, the server's if that is lower, and 429 pauses."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from weakref import WeakKeyDictionary

from genesys_dagster.genesys.clock import Clock
from genesys_dagster.genesys.pauses import Waiting
from genesys_dagster.genesys.shared_limit import SharedLimit
from genesys_dagster.genesys.waits import WINDOW, whole_number, window_left

_NEW_WINDOW = 1.5  # s; `inin-ratelimit-reset` has whole seconds, so two readings of one window differ by less


class Budget:
    """When requests went out, and until when none may: what all connections of one OAuth client have in common.

    Each export of a process has a thread and an event loop of its own, so this is only ever looked at and written
    down under a lock; waiting is up to the loops.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._granted: deque[float] = deque()
        self._paused_until = float("-inf")

    def take(self, now: float, limit: int, not_before: float) -> float:
        """Grant one more request, or say how many seconds are missing to that: then nothing is granted.

        Args:
            now: Seconds of the clock.
            limit: Requests in any minute, at most.
            not_before: When the asking connection may send at the earliest.
        """
        with self._lock:
            self._forget(now)
            until = max(not_before, self._paused_until)
            if len(self._granted) >= limit:
                until = max(until, self._granted[len(self._granted) - limit] + WINDOW)
            if until <= now:
                self._granted.append(now)
            return max(0.0, until - now)

    def paused(self, now: float, not_before: float) -> float:
        """Say how many seconds are missing to the end of all pauses; arguments as of `take`."""
        return max(0.0, not_before - now, self._paused_until - now)

    def note(self, now: float) -> None:
        """Take down a request that somebody else has granted."""
        with self._lock:
            self._forget(now)
            self._granted.append(now)

    def pause(self, until: float) -> None:
        """Let nothing out before then, whatever the allowance says."""
        with self._lock:
            self._paused_until = max(self._paused_until, until)

    def _forget(self, now: float) -> None:
        while self._granted and self._granted[0] <= now - WINDOW:
            self._granted.popleft()


_budgets: WeakKeyDictionary[Clock, dict[Hashable, Budget]] = WeakKeyDictionary()
_budgets_lock = threading.Lock()


def shared_budget(client: Hashable, clock: Clock) -> Budget:
    """The one budget of an OAuth client in this process, as long as the clock lives.

    Genesys Cloud counts per token and OAuth client (developer docs, "Rate limits"): a run over a range opens one
    connection per day, and all of them together have one allowance.

    Args:
        client: What tells OAuth clients apart: where it logs in, and its id.
        clock: By which its requests are timed.
    """
    with _budgets_lock:
        return _budgets.setdefault(clock, {}).setdefault(client, Budget())


def forget_budgets() -> None:
    """Start afresh, for tests: in one minute they are many programs."""
    with _budgets_lock:
        _budgets.clear()


class RateLimiter:
    """At most `per_minute` requests in any minute; one connection's view of its client's budget.

    A full minute's worth may go out at once: the server counts per minute, so spreading requests would only cost
    time. `inin-ratelimit-allowed`, `-count` and `-reset` (Genesys developer blog, "SDK configuration and logging",
    2021-05-06) lower that: other programs may use the same OAuth client, and allowances below 300 have been seen.

    Args:
        per_minute: The connection's own limit.
        clock: Tells and passes the time.
        on_wait: Called with the seconds of every wait, before it begins.
        budget: Shared with other connections of the same OAuth client; its own by default.
        shared: Shared with other processes, too; none by default.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Clock,
        on_wait: Callable[[float], None],
        budget: Budget | None = None,
        shared: SharedLimit | None = None,
    ) -> None:
        self._configured = per_minute
        self._limit = per_minute
        self._clock = clock
        self._on_wait = on_wait
        self._budget = budget or Budget()
        self._shared = shared
        self._turn = asyncio.Lock()
        self._server_left = 0
        self._server_window_end = float("-inf")

    async def acquire(self) -> None:
        """Wait until one more request may be sent. Requests are served in the order in which they ask."""
        async with self._turn:
            waiting = None
            while (delay := await self._take()) > 0:
                self._on_wait(delay)
                waiting = waiting or Waiting(self._clock, "the rate limit of Genesys Cloud")
                await waiting.sleep(delay)
            self._server_left -= 1

    async def pause(self, seconds: float) -> None:
        """Let nothing out for that long, whatever the allowance says."""
        self._budget.pause(self._clock.monotonic() + seconds)
        if self._shared is not None:
            await asyncio.to_thread(self._shared.pause, seconds)

    def observe(self, headers: Mapping[str, str], unanswered: int = 0) -> None:
        """Take over what a response says about the server's own count.

        Args:
            headers: Response headers; the lookup of lower-case names must work.
            unanswered: Requests now under way, which the server's count may not hold yet.
        """
        allowed = whole_number(headers.get("inin-ratelimit-allowed"))
        if not allowed:
            return
        self._limit = min(self._configured, allowed)
        count = whole_number(headers.get("inin-ratelimit-count"))
        if count is None:
            return
        window_end = self._clock.monotonic() + window_left(headers, self._clock.now())
        left = allowed - count - unanswered
        if window_end > self._server_window_end + _NEW_WINDOW:
            self._server_left, self._server_window_end = left, window_end
        else:  # answers overtake each other: within one window the lowest reading is the latest
            self._server_left = min(self._server_left, left)

    async def _take(self) -> float:
        not_before = self._server_window_end if self._server_left <= 0 else float("-inf")
        if self._shared is not None:
            if (delay := self._budget.paused(self._clock.monotonic(), not_before)) > 0:
                return delay
            if (missing := await asyncio.to_thread(self._shared.take, self._limit)) is not None:
                if missing == 0:
                    self._budget.note(self._clock.monotonic())
                return missing
        return self._budget.take(self._clock.monotonic(), self._limit, not_before)
