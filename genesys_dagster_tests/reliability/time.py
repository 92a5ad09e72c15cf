"""Time that is waited through in an instant: hours of a server's patience in a moment of ours."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

_MOMENT = 0.0005  # s that every wait takes in truth, so that others get their turn


class TooLongError(AssertionError):
    """More was waited for than anybody would."""


class Hurried:
    """A clock whose waits are over at once, and which notes how long they would have been.

    Args:
        patience: Seconds of waiting after which the test has failed.
    """

    def __init__(self, patience: float) -> None:
        self._ahead = 0.0
        self._patience = patience

    @property
    def waited(self) -> float:
        return self._ahead

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        if self._ahead + seconds > self._patience:
            raise TooLongError(f"it would wait for {seconds:,.0f} s after {self._ahead:,.0f} s")
        await asyncio.sleep(_MOMENT)
        self._ahead += max(0.0, until - self.monotonic())
