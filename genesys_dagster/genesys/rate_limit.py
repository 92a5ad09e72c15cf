"""One limit for all requests of a client: its own, the server's if that is lower, and 429 pauses."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from genesys_dagster.genesys.clock import Clock

WINDOW = 60.0  # s; limits are per minute (Genesys developer docs, "Rate limits")
DEFAULT_PAUSE = 60.0  # s after a 429 that says nothing: one whole window
# s; some limits count by the second and say so in their name, such as `details.jobs.rate.per.second` (organization
# limits, namespace `analytics`).
_PAUSE_PER_SECOND = 1.0
_NEW_WINDOW = 1.5  # s; `inin-ratelimit-reset` has whole seconds, so two readings of one window differ by less

# Message text of a 429 (Genesys developer docs, "Rate limits"); some services write the number in brackets.
_RETRY_IN = re.compile(r"retry the request in \[?(\d+(?:\.\d+)?)\]? seconds", re.IGNORECASE)


class RateLimiter:
    """At most `per_minute` requests in any minute, shared by everything that the client sends.

    A full minute's worth may go out at once: the server counts per minute, so spreading requests would only cost
    time. `inin-ratelimit-allowed`, `-count` and `-reset` (Genesys developer blog, "SDK configuration and logging",
    2021-05-06) lower that: other programs may use the same OAuth client, and allowances below 300 have been seen.

    Args:
        per_minute: The client's own limit.
        clock: Tells and passes the time.
        on_wait: Called with the seconds of every wait, before it begins.
    """

    def __init__(self, per_minute: int, clock: Clock, on_wait: Callable[[float], None]) -> None:
        self._configured = per_minute
        self._limit = per_minute
        self._clock = clock
        self._on_wait = on_wait
        self._turn = asyncio.Lock()
        self._granted: deque[float] = deque()
        self._paused_until = float("-inf")
        self._server_left = 0
        self._server_window_end = float("-inf")

    async def acquire(self) -> None:
        """Wait until one more request may be sent. Requests are served in the order in which they ask."""
        async with self._turn:
            while (delay := self._delay()) > 0:
                self._on_wait(delay)
                await self._clock.sleep(delay)
            self._granted.append(self._clock.monotonic())
            self._server_left -= 1

    def pause(self, seconds: float) -> None:
        """Let nothing out for that long, whatever the allowance says."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def observe(self, headers: Mapping[str, str], unanswered: int = 0) -> None:
        """Take over what a response says about the server's own count.

        Args:
            headers: Response headers; the lookup of lower-case names must work.
            unanswered: Requests now under way, which the server's count may not hold yet.
        """
        allowed = _whole_number(headers.get("inin-ratelimit-allowed"))
        if not allowed:
            return
        self._limit = min(self._configured, allowed)
        count = _whole_number(headers.get("inin-ratelimit-count"))
        if count is None:
            return
        reset = _whole_number(headers.get("inin-ratelimit-reset"))
        window_end = self._clock.monotonic() + (WINDOW if reset is None else reset)
        left = allowed - count - unanswered
        if window_end > self._server_window_end + _NEW_WINDOW:
            self._server_left, self._server_window_end = left, window_end
        else:  # answers overtake each other: within one window the lowest reading is the latest
            self._server_left = min(self._server_left, left)

    def _delay(self) -> float:
        now = self._clock.monotonic()
        while self._granted and self._granted[0] <= now - WINDOW:
            self._granted.popleft()
        until = self._paused_until
        if self._server_left <= 0:
            until = max(until, self._server_window_end)
        if len(self._granted) >= self._limit:
            until = max(until, self._granted[len(self._granted) - self._limit] + WINDOW)
        return until - now


def pause_after_429(
    headers: Mapping[str, str], message: str | None, now: datetime, limit_key: str | None = None
) -> float:
    """Read how long a 429 asks to wait.

    Args:
        headers: Response headers.
        message: `message` of the error body.
        now: The current instant, aware.
        limit_key: Key of the limit in the error body.

    Returns:
        Seconds, never negative: by `Retry-After`, else by the message, else the limit's own window or one minute.
    """
    told = retry_after(headers, now)
    if told is not None:
        return told
    said = _RETRY_IN.search(message or "")
    if said:
        return float(said.group(1))
    return _PAUSE_PER_SECOND if (limit_key or "").endswith(".per.second") else DEFAULT_PAUSE


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`, which is a number of seconds or an HTTP date (RFC 9110, 10.2.3).

    Returns:
        Seconds, never negative, or None if the header is missing or unreadable.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=now.tzinfo)
    return max(0.0, (moment - now).total_seconds())


def _whole_number(text: str | None) -> int | None:
    value = (text or "").strip()
    return int(value) if value.isascii() and value.isdigit() else None
