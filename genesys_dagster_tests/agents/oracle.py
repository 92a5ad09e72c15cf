"""Agents' time computed again, without SQL: a day walked through second by second of its periods, in plain Python."""

from bisect import bisect_right
from datetime import timedelta
from itertools import pairwise

HALF_HOUR = timedelta(minutes=30)


def status_at(periods, moment):
    """The status of one user and kind at a moment: that of the latest period that had begun, if it had not ended.

    `periods` are (start, end or None, status), one per start, in order of their start.
    """
    place = bisect_right([start for start, _, _ in periods], moment) - 1
    if place < 0:
        return None
    _, end, status = periods[place]
    return status if end is None or moment < end else None


def seconds_by_half_hour(periods, day_start, day_end):
    """{(half hour, status or None): seconds} of one user and kind, None where nothing is known."""
    edges = {day_start, day_end}
    for start, end, _ in periods:
        edges |= {moment for moment in (start, end) if moment is not None and day_start < moment < day_end}
    half_hour = day_start
    while half_hour < day_end:
        edges.add(half_hour)
        half_hour += HALF_HOUR
    ordered = sorted(edges)
    found = {}
    for begin, finish in pairwise(ordered):
        slot = day_start + (begin - day_start) // HALF_HOUR * HALF_HOUR
        key = slot, status_at(periods, begin)
        found[key] = found.get(key, 0.0) + (finish - begin).total_seconds()
    return found
