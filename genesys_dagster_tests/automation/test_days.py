"""Days end when the clocks of the configured time zone say so, and may be redefined after the fact."""

from datetime import timedelta

import pytest

from genesys_dagster.org.days import Days
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import export_new_days, refresh_days


@pytest.fixture
def partitions(desk):
    return lambda start, timezone: desk.redefine(start=start, timezone=timezone)


@pytest.mark.parametrize(
    ("day", "hours", "end"),
    [
        ("2026-03-28", 24, "2026-03-28T23:00"),
        ("2026-03-29", 23, "2026-03-29T22:00"),
        ("2026-03-30", 24, "2026-03-30T22:00"),
        ("2026-10-25", 25, "2026-10-25T23:00"),
    ],
)
def test_days_of_23_and_25_hours_end_by_the_clock(day, hours, end):
    days, a_moment = Days("2026-01-01", "Europe/Berlin"), timedelta(milliseconds=1)
    assert days.end_of(day) == utc(end)
    assert day not in days.ended_by(utc(end) - a_moment)
    assert days.ended_by(utc(end))[-1] == day
    start = utc(end) - timedelta(hours=hours)
    assert days.start_of(day) == start
    assert days.day_of(start) == day
    assert days.day_of(start - a_moment) != day
    assert days.day_of(utc(end) - a_moment) == day


def test_the_sensor_waits_for_the_end_of_a_short_day_and_of_a_long_one(desk, sandbox, partitions):
    partitions("2026-01-01", "Europe/Berlin")

    def requested(watermark):
        sandbox.settings.now = lambda: utc("2026-12-01")
        sandbox.settings.availability = utc(watermark)
        return desk.days(export_new_days)

    assert requested("2026-03-29T21:59") == ["2026-03-28"]
    assert requested("2026-03-29T22:00") == ["2026-03-29"]
    desk.cursor = None
    assert requested("2026-10-25T22:59") == ["2026-10-24"]
    assert requested("2026-10-25T23:00") == ["2026-10-25"]


def test_an_earlier_start_requests_no_history(desk, sandbox, partitions):
    sandbox.settings.availability = utc("2026-05-12")
    partitions("2026-04-01", "UTC")
    assert desk.days(export_new_days) == ["2026-05-11"]
    desk.pulled("2026-05-11", utc("2026-05-12"))
    partitions("2025-01-01", "UTC")
    sandbox.settings.availability = utc("2026-05-13")
    assert desk.days(export_new_days) == ["2026-05-12"]


def test_a_later_start_leaves_what_lies_before_alone(desk, sandbox, partitions):
    sandbox.settings.availability = utc("2026-05-12")
    assert desk.days(export_new_days) == ["2026-05-11"]
    desk.pulled("2026-05-10", utc("2026-05-11"))
    partitions("2026-05-12", "UTC")
    sandbox.settings.availability = utc("2026-05-12T12:00")
    assert desk.days(export_new_days) == []
    desk.cursor = None
    assert desk.days(refresh_days) == []
    assert not desk.org.days.is_partition("2026-05-11")


def test_another_time_zone_makes_the_days_from_then_on_its_own(desk, sandbox, partitions):
    sandbox.settings.availability = utc("2026-05-12")
    assert desk.days(export_new_days) == ["2026-05-11"]
    desk.pulled("2026-05-11", utc("2026-05-12"))
    partitions("2026-01-01", "America/New_York")
    sandbox.settings.availability = utc("2026-05-12T04:00")
    # The 11th of New York ends four hours after that of UTC: it is another day, which was never exported.
    assert desk.days(export_new_days) == ["2026-05-11"]


def test_before_the_first_day_has_ended_there_is_nothing_to_do(desk, sandbox, partitions):
    partitions("2026-05-14", "UTC")
    sandbox.settings.availability = utc("2026-05-14T08:00")
    assert desk.days(export_new_days) == []
