"""Status periods as Genesys Cloud stores them: one copy under the UTC day of the start, one under that of the end.

A period that covers a whole queried day has no copy there (Genesys developer docs, "User details query"; the rule's
consequence in laggyzee/genesys-mcp _user_details.py); one that is still open has the first copy only (inferred).
"""

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

from genesys_dagster.sandbox.agents_time.timeline import CLOCKS, AgentsTime, Clock, Period
from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.times import DAY

_KEPT = 6


class Copy(NamedTuple):
    """A stored period.

    Attributes:
        user_id: Whose.
        clock: Presence or routing status.
        period: The period.
        is_redundant: Whether the other copy is found too: this one counts, but is left out of the answer.
        is_outdated: Whether it is a fault: as if the period had not ended.
    """

    user_id: str
    clock: Clock
    period: Period
    is_redundant: bool = False
    is_outdated: bool = False


class Copies(NamedTuple):
    """The copies in an interval, in both orders that are asked for."""

    by_user: list[Copy]
    by_time: list[Copy]


class Storage:
    """Finds the copies that an interval touches; remembers them until something changes.

    Args:
        time: The ground truth.
    """

    def __init__(self, time: AgentsTime) -> None:
        self._time = time
        self._kept: OrderedDict[Interval, tuple[int, int, Copies]] = OrderedDict()
        self._lock = Lock()

    def copies(self, interval: Interval, as_of: int) -> Copies:
        """All copies in the interval as known at `as_of` (ms)."""
        with self._lock:
            made, until, copies = self._kept.get(interval, (0, 0, Copies([], [])))
            if not made <= as_of < until:
                by_user = [
                    copy
                    for user_id in self._time.user_ids
                    for copy in self._of_user(user_id, interval, as_of)
                ]
                copies = Copies(by_user, sorted(by_user, key=lambda copy: copy.period.start))
                until = as_of + 1  # as long as the interval lasts, periods begin
                if as_of >= interval.end:
                    until = min((_changes(copy.period, as_of) for copy in by_user), default=_tomorrow(as_of))
                self._kept[interval] = as_of, until, copies
            self._kept.move_to_end(interval)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return copies

    def _of_user(self, user_id: str, interval: Interval, as_of: int) -> list[Copy]:
        found: list[Copy] = []
        for clock in CLOCKS:
            for period in self._time.periods(user_id, clock, interval.start, interval.end, as_of):
                found += _stored(user_id, clock, period, interval, as_of)
        return sorted(found, key=lambda copy: copy.period.start)


def _stored(user_id: str, clock: Clock, period: Period, interval: Interval, as_of: int) -> Iterator[Copy]:
    touched = range(interval.start // DAY, (interval.end - 1) // DAY + 1)
    start_day, end = period.start // DAY, period.ended(as_of)
    if start_day in touched:
        yield Copy(user_id, clock, period)
    if end is not None and end // DAY != start_day and end // DAY in touched:
        yield Copy(user_id, clock, period, start_day in touched)


def _changes(period: Period, as_of: int) -> int:
    """When the record of a period changes next (ms), at the latest when today is over: it is made up no further."""
    tomorrow = _tomorrow(as_of)
    return tomorrow if period.end is None or period.end <= as_of else min(period.end, tomorrow)


def _tomorrow(as_of: int) -> int:
    return (as_of // DAY + 1) * DAY
