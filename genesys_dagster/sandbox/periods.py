"""ISO 8601 durations, and the subintervals into which a granularity cuts an interval."""

import re
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.times import from_datetime, to_datetime

_PERIOD = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_MOST = 100_000  # more subintervals would only be a mistake


def read_period(text: str) -> timedelta:
    """Read a duration such as `PT30M` or `P1DT12H`.

    Raises:
        ValueError: It is none, it is empty, or it counts months or years, whose lengths differ.
    """
    match = _PERIOD.fullmatch(text)
    length = (
        timedelta(**{unit: int(n) for unit, n in match.groupdict().items() if n}) if match else timedelta()
    )
    if not length:
        raise ValueError(f"not a duration: {text}")
    return length


def cut(interval: Interval, period: timedelta | None, zone: ZoneInfo) -> Iterator[Interval]:
    """Cut an interval into subintervals, the last of which may be shorter.

    Args:
        interval: What to cut.
        period: Their length; None for the interval as it is.
        zone: Whole days are days of this time zone (SDK 269 models/conversation_aggregation_query.py, `timeZone`:
            resolves daylight saving time).

    Raises:
        ValueError: There would be far too many.
    """
    if period is None:
        yield interval
        return
    if (interval.end - interval.start) / (period / timedelta(milliseconds=1)) > _MOST:
        raise ValueError("too many subintervals")
    start = interval.start
    while start < interval.end:
        end = min(_following(start, period, zone), interval.end)
        yield Interval(start, end)
        start = end


def _following(start: int, period: timedelta, zone: ZoneInfo) -> int:
    if period % timedelta(days=1):
        return start + period // timedelta(milliseconds=1)
    # Arithmetic with an aware datetime goes by the wall clock: a day is 23 or 25 hours long when the clocks change.
    return from_datetime(to_datetime(start).astimezone(zone) + period)
