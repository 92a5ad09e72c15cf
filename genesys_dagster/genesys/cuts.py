"""Where an interval is cut into slices, and how many of them are read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import ceil

from genesys_dagster.genesys.interval import Interval

COUNTED_WINDOWS = 12
"""How many equal windows of an interval are counted to find out where its conversations are: two hours of a day."""

_FEW_PAGES = 20
_PAGES_PER_SLICE = 12  # what a slice may have fetched before its turn, by and large
_LEAST_PAGES = 5  # a slice costs four requests besides: submit, state, delete, and a page that is not full
_AT_ONCE = 9  # what an answer in 1.5 s takes
_BESIDES = 2  # answers to wait for before a slice's first page: submitted, and done
_UNEVEN = 1.15  # slices are of about the same size
_BEARABLE = 1.1  # times what the rate limit alone dictates
_STEPS = 288  # cuts lie on these parts of an interval (five minutes of a day): a second attempt finds the same slices
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Cuts:
    """How an interval is read.

    Attributes:
        slices: Into how many slices it is cut. It depends on the records alone, as a second attempt takes over the jobs
            of the first by their intervals.
        at_once: How many of them are under way at once.
    """

    slices: int
    at_once: int


ONE = Cuts(1, 1)


def cuts_worth(records: int, page_size: int, answer_seconds: float, requests_per_minute: int) -> Cuts:
    """How to cut an interval so that the rate limit, not the way to the server, decides how long its pages take.

    Each slice costs four requests and a job, so one is enough where the limit would hold up several as well, or where
    there are few pages.

    Args:
        records: How many are expected.
        page_size: How many come with a page.
        answer_seconds: How long an answer takes at least.
        requests_per_minute: The rate limit.
    """
    pages = -(-records // page_size)
    in_flight = answer_seconds * requests_per_minute / 60  # what it takes to use up the limit
    if pages < _FEW_PAGES or in_flight <= _BEARABLE:
        return ONE
    slices = max(ceil(pages / _PAGES_PER_SLICE), min(pages // _LEAST_PAGES, _AT_ONCE))
    needed = ceil(_UNEVEN * in_flight * (1 + _BESIDES * slices / pages))
    # In rounds that are full: the last one would else have too few slices.
    return Cuts(slices, ceil(slices / max(1, slices // needed)))


def equal_slices(interval: Interval, count: int) -> list[Interval]:
    """Cut an interval into slices of equal length, on whole milliseconds, without gap or overlap."""
    length = max(-(-interval.length // _MILLISECOND) // count, 1) * _MILLISECOND
    return _cut(interval, [interval.start + number * length for number in range(1, count)])


def balanced_slices(interval: Interval, count: int, records: Sequence[int]) -> list[Interval]:
    """Cut an interval into at most so many slices of about as many records each, without gap or overlap.

    Args:
        interval: What to cut.
        count: Into how many slices.
        records: How many are in each of its equal windows, in order; within a window they are taken to be even.
    """
    step = interval.length / _STEPS
    if not sum(records) or step < _MILLISECOND:
        return equal_slices(interval, count)
    until = [0, *accumulate(records)]
    cuts = []
    for number in range(1, count):
        wanted = until[-1] * number / count
        window = max(place for place, before in enumerate(until[:-1]) if before <= wanted)
        at = window + (wanted - until[window]) / max(1, records[window])
        cuts.append(interval.start + round(at / len(records) * _STEPS) * step)
    return _cut(interval, cuts)


def _cut(interval: Interval, cuts: Sequence[datetime]) -> list[Interval]:
    bounds = [
        interval.start,
        *(cut for cut in dict.fromkeys(cuts) if interval.start < cut < interval.end),
        interval.end,
    ]
    return [Interval(start, end) for start, end in pairwise(bounds)]
