"""Days as partitions: which have ended, when one begins and ends, in which an instant lies."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg

from genesys_dagster.genesys.interval import Interval


class Days:
    """The daily partitions of an org, from its first day on, in its time zone.

    Args:
        start: First day, YYYY-MM-DD.
        timezone: IANA name of the zone in which a day is a day.

    Attributes:
        partitions: Dagster's definition of them.
        timezone: As given.

    Raises:
        ValueError: `start` is no date, or there is no such zone; the message says how to write it.
    """

    def __init__(self, start: str, timezone: str) -> None:
        try:
            first = date.fromisoformat(start)
        except ValueError:
            raise ValueError(
                f"={start!r} is not a date: write the first day to export as YYYY-MM-DD"
            ) from None
        try:
            self.zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # America is a folder
            raise ValueError(
                f"={timezone!r} is not a time zone: write an IANA name such as Europe/Berlin"
            ) from None
        self.timezone = timezone
        self.partitions = dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=timezone)
        self._window = lru_cache(maxsize=4096)(self.partitions.time_window_for_partition_key)

    @property
    def first(self) -> str:
        """The first day."""
        return self.partitions.start.date().isoformat()

    def ended_by(self, moment: datetime) -> list[str]:
        """The days that have ended by an instant, oldest first, from the first partition on."""
        return list(self.partitions.get_partition_keys(current_time=moment))

    def end_of(self, day: str) -> datetime:
        """The instant at which a day ends, in UTC. Days of 23 and 25 hours end when the clocks say so."""
        return self._window(day).end.astimezone(UTC)

    def start_of(self, day: str) -> datetime:
        """The instant at which a day begins, in UTC."""
        return self._window(day).start.astimezone(UTC)

    def window(self, day: str) -> Interval:
        """The day as an interval, in its own time zone."""
        window = self._window(day)
        return Interval(window.start, window.end)

    def is_partition(self, day: str) -> bool:
        """Whether the day is a partition now; a day that was one need not be after the first day was moved."""
        return self.partitions.has_partition_key(day)

    def day_of(self, moment: datetime) -> str:
        """The day in which an instant lies, whether or not it is a partition."""
        return self.partitions.get_partition_key_for_timestamp(moment.timestamp())

    def weeks(self) -> dg.WeeklyPartitionsDefinition:
        """Weeks from Monday on; the first is the first one that has all its days."""
        return dg.WeeklyPartitionsDefinition(
            start_date=self.partitions.start,
            timezone=self.timezone,
            day_offset=1,
            fmt=self.partitions.fmt,
        )
