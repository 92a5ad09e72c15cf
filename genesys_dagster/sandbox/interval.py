"""The `interval` of a query: ISO-8601 `start/end`, and which conversations fall in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.rows import Row
from genesys_dagster.sandbox.times import DAY, from_iso


@dataclass(frozen=True, slots=True)
class Interval:
    """Start and end in milliseconds, start < end."""

    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> "Interval":
        """Read `start/end`.

        Raises:
            ValueError: It is not two ISO-8601 date-times in order.
        """
        start, slash, end = text.partition("/")
        if not slash:
            raise ValueError("no slash")
        interval = cls(from_iso(start), from_iso(end))
        if interval.start >= interval.end:
            raise ValueError("start is not before end")
        return interval

    @property
    def days(self) -> float:
        """Its length in days."""
        return (self.end - self.start) / DAY


def started_on_touched_days(org: Org, interval: Interval) -> Iterator[Row]:
    """Conversations active during the interval that started on a UTC day the interval touches.

    Genesys Cloud keeps one index per UTC start day (Genesys developer docs, "Conversation detail query";
    SDK 269 models/conversation_query.py, `interval`): one that began the day before is not found, however
    long it goes on.
    """
    for day in range(interval.start // DAY, (interval.end - 1) // DAY + 1):
        for row in org.rows_of_day(day, until=interval.end):
            if row.start < interval.end and row.end >= interval.start:
                yield row


def active_during(org: Org, interval: Interval) -> Iterator[Row]:
    """All conversations active during the interval, whenever they started.

    What a job selects unless `startOfDayIntervalMatching` is set (SDK 269 models/async_conversation_query.py).
    """
    first = interval.start // DAY
    for day in range(first - LONGEST, first):
        for row in org.long_rows(day, first - day):
            if row.end >= interval.start:
                yield row
    yield from started_on_touched_days(org, interval)
