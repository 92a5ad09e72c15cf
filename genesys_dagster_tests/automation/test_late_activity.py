"""Each day is swept once, and exactly the older days in which something was found are brought up to date."""

import json
from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster.automation import late_activity as late_activity_sensors
from genesys_dagster_tests.automation.conftest import around, utc
from genesys_dagster_tests.default_org import (
    LATE_ACTIVITY,
    end_of,
    sweep_late_activity_daily,
    update_from_late_activity,
)


def swept(desk, day, *found):
    """Let a day have been swept, and conversations of some older days have been found."""
    metadata = {"days": dg.MetadataValue.json(dict.fromkeys(found, 1))}
    desk.instance.report_runless_asset_event(
        dg.AssetMaterialization(LATE_ACTIVITY, partition=day, metadata=metadata)
    )


def updated(desk, day, known_until, active_until):
    desk.pulled(day, known_until, active_until=dg.MetadataValue.timestamp(active_until))


# ---------------------------------------------------------------------------------------------------------------------
# Sweeps


@pytest.fixture
def sweeps(desk, clock):
    """Ticks at some moments; returns the requested days."""

    def at(*moments):
        days = []
        for moment in moments:
            clock(moment)
            days += desk.days(sweep_late_activity_daily)
        return days

    return at


def test_a_day_is_swept_once_it_is_there_in_full(desk, sweeps):
    assert sweeps("2026-05-11T00:30") == []
    assert "in full" in desk.skipped
    desk.pulled("2026-05-10", utc("2026-05-11T04:00"))
    assert sweeps("2026-05-11T05:00") == ["2026-05-10"]


def test_a_day_is_swept_once_only(desk, sweeps):
    desk.pulled("2026-05-10", utc("2026-05-11T04:00"))
    assert sweeps("2026-05-11T05:00", "2026-05-11T05:05") == ["2026-05-10"]
    swept(desk, "2026-05-10")
    desk.run_keys.clear()
    assert sweeps("2026-05-11T05:10") == []
    assert "swept" in desk.skipped


@pytest.mark.parametrize(
    ("known_until", "source"), [("2026-05-10T22:00", "job"), ("2026-05-11T00:10", "query")]
)
def test_a_provisional_day_is_not_swept(desk, sweeps, known_until, source):
    desk.pulled("2026-05-10", utc(known_until), source=source)
    assert sweeps("2026-05-11T05:00") == []


def test_without_credentials_the_sensor_skips_and_names_the_variable(desk, sweeps, environment):
    desk.pulled("2026-05-10", utc("2026-05-11T04:00"))
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert sweeps("2026-05-11T05:00") == []
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in desk.skipped


def test_a_sweep_that_fails_is_asked_for_again(desk, clock):
    desk.pulled("2026-05-10", utc("2026-05-11T04:00"))
    desk.pulled("2026-05-10", utc("2026-05-11T04:00"), announced_missing=3)  # no reason not to sweep
    asked = []
    for hour in range(5, 24):
        clock(f"2026-05-11T{hour:02d}:00")
        for request in desk.tick(sweep_late_activity_daily):
            asked.append(hour)
            desk.ran(request, ended=utc(f"2026-05-11T{hour:02d}:00"))
    assert asked == [5, 6, 8, 12, 20]


def test_days_that_were_missed_are_left_to_the_sweep_of_the_latest(desk, sweeps):
    for day in ("2026-05-08", "2026-05-09", "2026-05-10"):
        desk.pulled(day, utc("2026-05-11T04:00"))
    assert sweeps("2026-05-11T05:00", "2026-05-11T06:00") == ["2026-05-10"]


def test_a_backfill_of_old_days_sweeps_nothing(desk, sweeps):
    desk.pulled("2026-02-10", utc("2026-05-11T04:00"))
    assert sweeps("2026-05-11T05:00") == []


# ---------------------------------------------------------------------------------------------------------------------
# Updates

OLD = "2026-04-01"


@pytest.fixture
def updates(desk, clock):
    """Ticks at some moments; returns the requests."""

    def at(*moments):
        requests = []
        for moment in moments:
            clock(moment)
            requests += desk.tick(update_from_late_activity)
        return requests

    return at


def days_of(requests):
    return [request.partition_key for request in requests]


NOW, LATER = "2026-05-11T06:00", "2026-05-11T06:10"


def test_exactly_the_exported_days_that_do_not_hold_it_yet_are_updated(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    desk.pulled("2026-04-02", utc("2026-05-11T04:00"))  # pulled since
    updated(desk, "2026-04-03", utc("2026-04-20"), utc("2026-05-10"))
    updated(desk, "2026-04-04", utc("2026-04-20"), utc("2026-05-11"))  # updated already
    swept(desk, "2026-05-10", OLD, "2026-04-02", "2026-04-03", "2026-04-04", "2026-04-05", "2025-12-31")
    assert days_of(updates(NOW)) == ["2026-04-03", OLD]


def test_a_tick_takes_no_request(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    (request,) = updates(NOW)
    assert request.tags["genesys/reason"] == "late activity"
    assert not desk.api_requests


def test_a_day_is_updated_after_every_sweep_that_found_it(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    days = []
    for age in range(5):
        day = f"2026-05-{10 + age}"
        swept(desk, day, *([OLD] if age != 2 else []))
        days += [day for _ in updates(end_of(day).replace(tzinfo=None).isoformat())]
        updated(desk, OLD, utc("2026-04-20"), end_of(day))
    assert days == ["2026-05-10", "2026-05-11", "2026-05-13", "2026-05-14"]


def test_a_day_that_is_being_written_waits_for_its_turn(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    tags = {"dagster/partition": OLD}
    run = desk.instance.add_run(
        dg.DagsterRun(job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, tags=tags)
    )
    assert updates(NOW) == []
    desk.instance.report_run_canceled(run)
    assert days_of(updates(LATER)) == [OLD]


def test_a_pull_that_knew_less_but_ended_later_does_not_hide_what_was_found(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    assert days_of(updates(NOW)) == [OLD]
    updated(desk, OLD, utc("2026-04-20"), utc("2026-05-11"))
    desk.pulled(OLD, utc("2026-05-10T20:00"))
    swept(desk, "2026-05-11", OLD)
    assert days_of(updates("2026-05-12T06:00")) == [OLD]


def test_an_update_that_does_not_come_is_asked_for_with_growing_pauses_and_never_given_up(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    asked = []
    expected = [0, 1, 3, 7, 15, 31, 55, 79, 103]
    for hour in around(expected):
        now = utc("2026-05-11") + timedelta(hours=hour)
        for request in updates(now.replace(tzinfo=None).isoformat()):
            asked.append(hour)
            desk.ran(request, ended=now)
    assert asked == expected


def test_a_sweep_that_finds_more_starts_anew(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    for hour in (0, 1, 3, 7):
        (request,) = updates(f"2026-05-11T{hour:02d}:00")
        desk.ran(request, ended=utc(f"2026-05-11T{hour:02d}:00"))
    swept(desk, "2026-05-11", OLD)
    assert days_of(updates("2026-05-11T08:00")) == [OLD]


def test_a_commit_that_knows_less_than_the_update_before_it_makes_the_day_wanted_again(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    updated(desk, OLD, utc("2026-04-20"), utc("2026-05-11"))
    assert updates(NOW) == []
    desk.pulled(OLD, utc("2026-05-10T20:00"))
    assert days_of(updates(LATER)) == [OLD]


def test_the_cursor_of_the_version_before_goes_on(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    given_up = [utc("2026-05-11").timestamp(), utc("2026-05-11").timestamp(), 3]
    desk.cursor = json.dumps({"place": 0, "waiting": {OLD: given_up}})
    assert days_of(updates(NOW)) == [OLD]


def test_a_long_history_of_sweeps_is_read_in_over_several_ticks(desk, updates, monkeypatch):
    monkeypatch.setattr(late_activity_sensors, "_SWEEPS_PER_TICK", 2)
    desk.pulled(OLD, utc("2026-04-20"))
    for day in range(4, 11):
        swept(desk, f"2026-05-{day:02d}", *([OLD] if day == 10 else []))
    assert [bool(updates(NOW)) for _ in range(5)] == [False, False, False, True, False]


def test_a_restart_with_a_lost_cursor_requests_nothing_twice(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "2026-05-10", OLD)
    assert days_of(updates(NOW)) == [OLD]
    desk.cursor = None
    assert updates(LATER) == []


def test_sweeps_of_days_that_are_no_partitions_any_more_are_left_alone(desk, updates):
    desk.pulled(OLD, utc("2026-04-20"))
    swept(desk, "not-a-day", OLD)
    assert updates(NOW) == []
