"""The rate limit: requests per token in fixed windows of a minute.

Genesys Cloud allows 300 requests a minute and token and tells the count on every answer (Genesys developer
blog, "Caching in flows" 2021-02-03 and "SDK config and logging" 2021-05-06).
"""

from dataclasses import dataclass
from math import ceil

_WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """A token's use of the present window."""

    count: int
    allowed: int
    reset: int  # whole seconds until the next window

    @property
    def exceeded(self) -> bool:
        """Whether the request is one too many."""
        return self.count > self.allowed

    def headers(self) -> dict[str, str]:
        """The headers on every answer."""
        return {
            "inin-ratelimit-count": str(min(self.count, self.allowed)),
            "inin-ratelimit-allowed": str(self.allowed),
            "inin-ratelimit-reset": str(self.reset),
        }


class RateLimiter:
    """Counts requests per token."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def use(self, token: str, allowed: int, now: float) -> Usage:
        """Count one request of a token at `now` (seconds)."""
        opened, count = self._windows.get(token, (now, 0))
        if now - opened >= _WINDOW:
            opened, count = now, 0
        self._windows[token] = (opened, count + 1)
        return Usage(count + 1, allowed, max(1, ceil(opened + _WINDOW - now)))

    def clear(self) -> None:
        """Forget all windows."""
        self._windows.clear()
