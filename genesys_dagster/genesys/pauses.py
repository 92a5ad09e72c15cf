"""Waiting that tells that it waits; and asking again and again: ever longer pauses, and an end to patience."""

import logging

from genesys_dagster import telemetry
from genesys_dagster.genesys.clock import Clock

_log = logging.getLogger(__name__)
_GROWTH = 1.5
TELLING = 30.0  # s between two lines of the log about one wait


class Waiting:
    """One wait, in however many pauses: whoever reads the log is told every 30 seconds what is waited for.

    Args:
        clock: Tells and passes the time.
        what: What is waited for, as in "still waiting for ...".
    """

    def __init__(self, clock: Clock, what: str) -> None:
        self._what = what
        self._clock = clock
        self._began = clock.monotonic()
        self._since = clock.now()
        self._next_line = self._began + TELLING

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        while seconds > 0:
            to_line = self._next_line - self._clock.monotonic()
            step = min(seconds, max(to_line, 1.0))
            await self._clock.sleep(step)
            seconds -= step
            if self._clock.monotonic() >= self._next_line:
                self._tell()

    def _tell(self) -> None:
        now = self._clock.monotonic()
        while self._next_line <= now:
            self._next_line += TELLING
        _log.info(
            "still waiting for %s, since %s UTC (%.0f s)",
            self._what,
            f"{self._since:%H:%M:%S}",
            now - self._began,
        )


class Pauses:
    """Pauses between questions.

    Args:
        clock: Tells and passes the time.
        first: Seconds of the first pause; each further one is half as long again.
        longest: Seconds of a pause, at most.
        patience: Seconds after which no pause may end any more.
        what: What is waited for, if the log is to say so every 30 seconds.
        reason: The same for OpenTelemetry.
    """

    def __init__(  # noqa: PLR0913 - how long, and what for
        self,
        clock: Clock,
        *,
        first: float,
        longest: float,
        patience: float,
        what: str | None = None,
        reason: telemetry.Reason = "job",
    ) -> None:
        self._clock = clock
        self._reason = reason
        self._next = first
        self._longest = longest
        self._deadline = clock.monotonic() + patience
        self._sleep = Waiting(clock, what).sleep if what else clock.sleep

    async def pause(self, at_least: float = 0.0) -> bool:
        """Pause for at least so many seconds; returns False, at once, if patience is at its end."""
        seconds = max(self._next, at_least)
        if self._clock.monotonic() + seconds > self._deadline:
            return False
        telemetry.wait(self._reason, seconds)
        await self._sleep(seconds)
        self._next = min(self._next * _GROWTH, self._longest)
        return True
