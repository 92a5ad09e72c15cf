from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.interval import Interval, parse_instant

milliseconds = st.integers(min_value=2, max_value=40 * 86_400_000)
starts = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
intervals = st.builds(
    lambda start, length: Interval(start, start + timedelta(milliseconds=length)), starts, milliseconds
)


def test_it_is_written_in_utc_with_milliseconds():
    berlin = ZoneInfo("Europe/Berlin")
    interval = Interval(
        datetime(2026, 5, 1, tzinfo=berlin), datetime(2026, 5, 2, 0, 0, 0, 7000, tzinfo=berlin)
    )
    assert interval.as_text() == "2026-04-30T22:00:00.000Z/2026-05-01T22:00:00.007Z"


def test_a_local_day_of_a_clock_change_has_its_true_length():
    berlin = ZoneInfo("Europe/Berlin")
    assert Interval(
        datetime(2026, 10, 25, tzinfo=berlin), datetime(2026, 10, 26, tzinfo=berlin)
    ).length == timedelta(hours=25)


@pytest.mark.parametrize(
    ("start", "end", "complaint"),
    [
        (datetime(2026, 5, 1), datetime(2026, 5, 2, tzinfo=UTC), "start has no time zone"),  # noqa: DTZ001
        (datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC), "empty"),
        (datetime(2026, 5, 3, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC), "ends before"),
        (
            datetime(2026, 5, 1, tzinfo=UTC),
            datetime(2026, 5, 1, 0, 0, 0, 1, tzinfo=UTC),
            "finer than a millisecond",
        ),
    ],
)
def test_an_impossible_interval_is_refused(start, end, complaint):
    with pytest.raises(ValueError, match=complaint):
        Interval(start, end)


@settings(deadline=None)
@given(intervals)
def test_halves_meet_without_gap_or_overlap(interval):
    first, second = interval.halves()
    assert (first.start, first.end, second.end) == (interval.start, second.start, interval.end)


@settings(deadline=None)
@given(intervals, st.integers(1, 168).map(lambda hours: timedelta(hours=hours)))
def test_slices_cover_the_interval_and_none_is_too_long(interval, longest):
    slices = list(interval.slices(longest))
    assert slices[0].start == interval.start
    assert slices[-1].end == interval.end
    assert all(left.end == right.start for left, right in pairwise(slices))
    assert all(part.length <= longest for part in slices)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T02:00:00.000Z",
        "2026-05-01T04:00:00+02:00",
        "2026-05-01T02:00:00",
        "2026-05-01T02:00:00.000000000Z",
    ],
)
def test_timestamps_of_any_precision_and_offset_are_read(text):
    assert parse_instant(text) == datetime(2026, 5, 1, 2, tzinfo=UTC)
