"""Waiting for something by asking again and again: ever longer pauses, and an end to patience."""

from genesys_dagster.genesys.clock import Clock

_GROWTH = 1.5


class Pauses:
    """Pauses between questions.

    Args:
        clock: Tells and passes the time.
        first: Seconds of the first pause; each further one is half as long again.
        longest: Seconds of a pause, at most.
        patience: Seconds after which no pause may end any more.
    """

    def __init__(self, clock: Clock, *, first: float, longest: float, patience: float) -> None:
        self._clock = clock
        self._next = first
        self._longest = longest
        self._deadline = clock.monotonic() + patience

    async def pause(self, at_least: float = 0.0) -> bool:
        """Pause; returns False, at once, if patience is at its end."""
        seconds = max(self._next, at_least)
        if self._clock.monotonic() + seconds > self._deadline:
            return False
        await self._clock.sleep(seconds)
        self._next = min(self._next * _GROWTH, self._longest)
        return True
