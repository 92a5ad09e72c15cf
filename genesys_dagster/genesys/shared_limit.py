"""One rate limit for all processes that ask with an OAuth client, wherever they run; what happens when its store is away."""

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from genesys_dagster.genesys.rate_limit_stores import Buckets, described, open_store
from genesys_dagster.genesys.waits import LONGEST, WINDOW

T = TypeVar("T")
_log = logging.getLogger(__name__)
# s; a request is counted here when it is let out and by Genesys Cloud when it arrives, which may be sooner for a later one.
SLACK = 1.0
AWAY = 30.0  # s; for so long a store that does not answer is left alone
_IN_LINE = 0.02  # s; where others are just asking the store


class SharedLimit:
    """The requests of an OAuth client that its processes have sent in the last minute, as their store knows them.

    For any number of threads. A store that is away is never waited for twice in a row, and costs a warning: who asks is
    told nothing, and keeps to what its own process knows.

    Args:
        connect: Opens the store.
        what: The store's name, for the log.
        monotonic: Tells the time, for tests.
    """

    def __init__(
        self, connect: Callable[[], Buckets], what: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._what = what
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: Buckets | None = None
        self._is_away = False
        self._ask_again = self._tidy_again = float("-inf")

    def take(self, per_minute: int) -> float | None:
        """Let one more request out, or say how many seconds are missing to that: then nothing is let out.

        Args:
            per_minute: Requests of all processes in any minute, at most.

        Returns:
            0 if it may be sent; None if the store cannot tell.
        """
        return self._ask(lambda buckets: self._take(buckets, per_minute))

    def pause(self, seconds: float) -> None:
        """Let nothing out for that long, of any process."""
        self._ask(lambda buckets: _pause(buckets, seconds))

    def _take(self, buckets: Buckets, per_minute: int) -> float:
        from pyrate_limiter import Rate, RateItem

        now = buckets.requests.now()
        last = buckets.pauses.peek(0)
        if last is not None and last.timestamp > now:
            return float(min(LONGEST, (last.timestamp - now) / 1000))
        window = int((WINDOW + SLACK) * 1000)
        buckets.requests.rates = [Rate(per_minute, window)]
        decision = buckets.requests.put_decision(RateItem("request", now))
        if not decision.allowed:
            return self._missing(buckets, decision.retry_after_ms, window)
        if self._monotonic() >= self._tidy_again:
            self._tidy_again = self._monotonic() + WINDOW
            for bucket in buckets[:2]:
                bucket.leak(now)
        return 0.0

    def _missing(self, buckets: Buckets, milliseconds: int | None, window: int) -> float:
        if milliseconds is None:
            return _IN_LINE * (1 + random.random())  # noqa: S311 - not for secrets
        if milliseconds > window + 1:
            buckets.requests.flush()  # the store's clock was set back: these are no requests of the last minute
        return max(0.001, milliseconds / 1000)

    def _ask(self, question: Callable[[Buckets], T]) -> T | None:
        with self._lock:
            if self._monotonic() < self._ask_again:
                return None
            try:
                answer = self._twice(question)
            except Exception as error:  # noqa: BLE001 - whatever a store's library raises, no pull may fail of it
                self._lose(error)
                return None
            if self._is_away:
                _log.warning("the %s answers again: the rate limit is shared", self._what)
                self._is_away = False
            return answer

    def _twice(self, question: Callable[[Buckets], T]) -> T:
        """Ask again on a new connection: the old one may have been idle for too long, or the store started anew."""
        if self._buckets is not None:
            try:
                with self._buckets.alone():
                    return question(self._buckets)
            except Exception:  # noqa: BLE001 - as above
                self._close()
        self._buckets = self._connect()
        with self._buckets.alone():
            return question(self._buckets)

    def _lose(self, error: Exception) -> None:
        self._ask_again = self._monotonic() + AWAY
        if not self._is_away:
            _log.warning(
                "the %s does not answer (%s): until it does, each process keeps to the rate limit by itself, so that "
                "together they may be told to wait (429)",
                self._what,
                type(error).__name__,
            )
        self._is_away = True
        self._close()

    def _close(self) -> None:
        buckets, self._buckets = self._buckets, None
        try:
            if buckets is not None:
                buckets.close()
        except Exception as error:  # noqa: BLE001 - it is broken already
            _log.debug("the %s could not be left: %s", self._what, type(error).__name__)


def _pause(buckets: Buckets, seconds: float) -> None:
    from pyrate_limiter import RateItem

    end = buckets.pauses.now() + int(seconds * 1000)
    buckets.pauses.put(RateItem("pause", end))


_limits: dict[tuple[str, str], SharedLimit] = {}
_limits_lock = threading.Lock()


def shared_limit(url: str, login_base: str, client_id: str) -> SharedLimit:
    """The one of an OAuth client in this process.

    Args:
        url: Address of the store, checked.
        login_base: Where the client logs in.
        client_id: Its id. The store knows a digest of it only.
    """
    client = hashlib.sha256(f"{login_base} {client_id}".encode()).hexdigest()[:16]
    with _limits_lock:
        if (url, client) not in _limits:
            what = f"store of the rate limit ({described(url)})"
            _limits[url, client] = SharedLimit(lambda: open_store(url, client), what)
        return _limits[url, client]
