"""A span of time as the analytics endpoints understand it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` (included) to `end` (excluded), both aware, in whole milliseconds.

    Raises:
        ValueError: A bound is naive or finer than a millisecond, or the interval is empty.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, bound in (("start", self.start), ("end", self.end)):
            if bound.tzinfo is None or bound.utcoffset() is None:
                raise ValueError(f"the interval's {name} has no time zone: {bound.isoformat()}")
            if bound.microsecond % 1000:
                raise ValueError(f"the interval's {name} is finer than a millisecond: {bound.isoformat()}")
        # Compared in UTC: two bounds that share a local zone would otherwise be compared by wall clock.
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.start >= self.end:
            raise ValueError(f"the interval ends before it starts or is empty: {self.as_text()}")

    @property
    def length(self) -> timedelta:
        """Elapsed time between the bounds."""
        return self.end - self.start

    def as_text(self) -> str:
        """Write it as the API wants it: `2026-05-01T00:00:00.000Z/2026-05-02T00:00:00.000Z`."""
        return f"{_instant(self.start)}/{_instant(self.end)}"

    def halves(self) -> tuple["Interval", "Interval"]:
        """Split it in the middle; the halves meet without gap or overlap.

        Raises:
            ValueError: It is only one millisecond long.
        """
        middle = self.start + (self.length // 2) // _MILLISECOND * _MILLISECOND
        return Interval(self.start, middle), Interval(middle, self.end)

    def slices(self, longest: timedelta) -> Iterator["Interval"]:
        """Cut it into consecutive intervals of at most `longest`, in time order."""
        start = self.start
        while start < self.end:
            end = min(start + longest, self.end)
            yield Interval(start, end)
            start = end


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Read a timestamp of the API.

    Args:
        text: ISO 8601; without an offset it is taken as UTC, as all timestamps of the API are.

    Returns:
        The instant, aware, in UTC.

    Raises:
        ValueError: The text is no timestamp.
    """
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # an offset leads out of the years 1 to 9999
        raise ValueError("the timestamp is out of range") from None
