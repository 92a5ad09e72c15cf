"""Each day is exported once, as soon as the data lake holds all of it."""

import json
from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster import telemetry
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.automation.conftest import around, utc
from genesys_dagster_tests.default_org import (
    ASSET_KEY,
    export_new_days,
    export_yesterday,
    export_yesterday_provisionally,
)


@pytest.fixture
def watermark(sandbox):
    def set_to(text):
        sandbox.settings.availability = utc(text)

    set_to("2026-05-12T00:00")
    return set_to


@pytest.fixture
def started(desk, watermark):
    """The sensor has ticked before: the days until the 11th are no longer new."""
    assert desk.days(export_new_days) == ["2026-05-11"]
    desk.pulled("2026-05-11", utc("2026-05-12T00:00"))
    return desk


def test_the_first_tick_takes_the_latest_complete_day_and_no_history(desk, watermark):
    assert desk.days(export_new_days) == ["2026-05-11"]


def test_a_day_is_requested_when_the_watermark_has_passed_its_end_and_not_before(started, watermark):
    watermark("2026-05-12T23:59:59.999")
    assert started.days(export_new_days) == []
    assert "2026-05-12 23:59" in started.skipped
    watermark("2026-05-13T00:00")
    assert started.days(export_new_days) == ["2026-05-12"]


def test_opentelemetry_is_told_how_far_the_lake_is_behind_the_watermark(started, watermark, monkeypatch):
    told = []
    monkeypatch.setattr(telemetry, "lag", lambda *said: told.append(said))
    watermark("2026-05-13T02:00")
    started.tick(export_new_days)
    started.pulled("2026-05-12", utc("2026-05-13T02:00"))
    started.tick(export_new_days)
    assert told == [("", "conversations", 26 * 3600), ("", "conversations", 2 * 3600)]


def test_a_day_is_requested_once(started, watermark):
    watermark("2026-05-13T08:00")
    assert started.days(export_new_days) == ["2026-05-12"]
    assert [started.days(export_new_days) for _ in range(3)] == [[]] * 3


def test_days_that_passed_while_nothing_ticked_are_made_up_for_in_order(started, watermark):
    watermark("2026-05-14T02:00")
    assert started.days(export_new_days) == ["2026-05-12", "2026-05-13"]


def test_a_tick_asks_the_api_once(started, sandbox, watermark):
    sandbox.requests.clear()
    watermark("2026-05-13T08:00")
    started.tick(export_new_days)
    assert [request.path.rpartition("/")[2] for request in started.api_requests] == ["availability"]


def test_once_a_day_is_requested_the_api_is_not_asked_until_the_next_has_ended(started, sandbox, clock):
    sandbox.requests.clear()
    clock("2026-05-12T23:59")
    assert started.tick(export_new_days) == []
    assert "no day has ended" in started.skipped
    assert not started.api_requests


def test_runs_say_why_they_were_requested_and_go_before_backfills(desk, watermark):
    (request,) = desk.tick(export_new_days)
    assert request.tags["genesys/reason"] == "new day"
    assert int(request.tags["dagster/priority"]) > 0


def test_a_lost_cursor_requests_nothing_twice(started, watermark):
    started.cursor = None
    assert started.days(export_new_days) == []


def test_a_day_that_is_there_in_full_by_another_route_is_not_requested(started, watermark):
    started.pulled("2026-05-12", utc("2026-05-13T01:00"))
    watermark("2026-05-13T08:00")
    assert started.days(export_new_days) == []


@pytest.mark.parametrize(
    "provisional", [{"source": "query"}, {"known_until": utc("2026-05-12T18:00")}], ids=["query", "early job"]
)
def test_a_provisional_export_is_replaced_when_the_day_is_complete(started, watermark, provisional):
    started.pulled("2026-05-12", **{"known_until": utc("2026-05-13T00:15"), **provisional})
    watermark("2026-05-13T08:00")
    assert started.days(export_new_days) == ["2026-05-12"]


def test_a_watermark_that_goes_back_requests_nothing_and_is_told(started, watermark):
    watermark("2026-05-10T12:00")
    assert started.days(export_new_days) == []
    assert "less than before (2026-05-12 00:00)" in started.skipped
    watermark("2026-05-13T08:00")
    assert started.days(export_new_days) == ["2026-05-12"]


def test_a_failed_export_is_requested_again_with_growing_pauses_for_as_long_as_the_day_is_missing(
    started, watermark, clock
):
    watermark("2026-05-13T08:00")
    first, asked = utc("2026-05-13T08:00"), []
    expected = [0, 1, 3, 7, 15, 31, 55, 79, 103, 127]
    for hour in around(expected):
        now = first + timedelta(hours=hour)
        clock(now.replace(tzinfo=None).isoformat())
        watermark(min(now, utc("2026-05-13T08:00")).replace(tzinfo=None).isoformat())
        for request in started.tick(export_new_days):
            assert request.partition_key == "2026-05-12"
            asked.append(hour)
            started.ran(request, ended=now)
    assert asked == expected
    started.pulled("2026-05-12", utc("2026-05-13T08:00"))
    clock("2026-05-30T00:00")
    assert started.tick(export_new_days) == []


def test_a_run_that_brought_too_little_is_no_reason_to_stop_asking(started, watermark, clock):
    watermark("2026-05-13T08:00")
    (request,) = started.tick(export_new_days)
    started.ran(request, dg.DagsterRunStatus.SUCCESS, ended=utc("2026-05-13T09:00"))
    started.pulled("2026-05-12", utc("2026-05-13T08:00"), announced_missing=40)
    clock("2026-05-13T10:01")
    assert started.days(export_new_days) == ["2026-05-12"]


def test_holes_since_the_first_days_are_found_and_the_years_before_are_not(desk, watermark):
    for day in ("2026-01-05", "2026-05-04", "2026-05-05", "2026-05-08", "2026-05-11"):
        desk.pulled(day, utc("2026-05-12T00:00"))
    found = desk.days(export_new_days)
    assert found[0] == "2026-04-10"  # a month; what lies before is for a person to backfill
    assert set(found) >= {"2026-05-06", "2026-05-07", "2026-05-09", "2026-05-10"}
    assert not {"2026-05-04", "2026-05-08", "2026-05-11"} & set(found)


def test_holes_are_looked_for_every_day(started, watermark, clock):
    clock("2026-05-12T23:00")
    assert started.days(export_new_days) == []
    started.instance.wipe_assets([ASSET_KEY])
    clock("2026-05-12T23:05")
    assert started.days(export_new_days) == []
    clock("2026-05-13T00:01")
    started.run_keys.clear()
    assert started.days(export_new_days) == ["2026-05-11"]


def test_where_there_are_only_queries_what_they_brought_is_all_there_is(started, watermark, sandbox):
    started.genesys = GenesysResource(source="query")
    watermark("2026-05-13T08:00")
    sandbox.requests.clear()
    started.pulled("2026-05-12", utc("2026-05-13T00:15"), source="query")
    started.tick(export_new_days)
    remembered = json.loads(started.cursor)["open_days"]
    assert "2026-05-12" not in remembered
    assert not started.api_requests


OLD_CURSOR = {"until": "2026-05-12T00:00:00+00:00", "watermark": "2026-05-12T00:00:00+00:00"}


def test_the_cursor_of_the_version_before_goes_on_and_what_it_gave_up_is_wanted_again(desk, watermark, clock):
    clock("2026-05-12T08:00")
    for day in ("2026-05-07", "2026-05-08", "2026-05-10", "2026-05-11"):
        desk.pulled(day, utc("2026-05-12T00:00"))
    desk.cursor = json.dumps({**OLD_CURSOR, "open_days": ["2026-03-02", "2026-05-09"]})
    assert desk.days(export_new_days)[0] == "2026-03-02"
    assert "2026-05-09" in json.loads(desk.cursor)["open_days"]
    assert "2026-05-08" not in json.loads(desk.cursor)["open_days"]


def test_an_export_under_way_is_waited_for(started, watermark, clock):
    watermark("2026-05-13T08:00")
    (request,) = started.tick(export_new_days)
    started.ran(request)
    started.ran(request, dg.DagsterRunStatus.STARTED)
    clock("2030-01-01T00:00")
    assert started.tick(export_new_days) == []


@pytest.mark.parametrize("variable", ["GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET"])
def test_without_credentials_everything_skips_and_names_the_variable(desk, environment, watermark, variable):
    environment.delenv(variable)
    assert desk.tick(export_new_days) == []
    assert variable in desk.skipped
    for schedule in (export_yesterday, export_yesterday_provisionally):
        assert variable in desk.schedule(schedule, utc("2026-05-13T05:00"))


@pytest.mark.parametrize("kind", ["500", "drop", "garbage"])
def test_an_availability_endpoint_that_is_down_is_a_skip_with_the_reason(started, sandbox, watermark, kind):
    sandbox.faults.fail_next(1, kind)
    before = started.cursor
    watermark("2026-05-13T08:00")
    assert started.tick(export_new_days) == []
    assert "availability" in started.skipped
    assert started.cursor == before
    assert started.days(export_new_days) == ["2026-05-12"]


def test_the_daily_schedule_requests_yesterday_unless_it_is_there_or_on_its_way(desk_on_disk):
    desk = desk_on_disk
    at = utc("2026-05-13T05:00")
    request = desk.schedule(export_yesterday, at)
    assert request.partition_key == "2026-05-12"
    run = desk.ran(request, dg.DagsterRunStatus.STARTED)
    assert "on its way" in desk.schedule(export_yesterday, at)
    desk.instance.report_run_failed(run)
    assert desk.schedule(export_yesterday, at).partition_key == "2026-05-12"
    desk.pulled("2026-05-12", utc("2026-05-13T03:00"))
    assert "there in full" in desk.schedule(export_yesterday, at)


def test_schedule_and_sensor_request_a_day_once_between_them(desk_on_disk, watermark):
    watermark("2026-05-13T04:00")
    (request,) = desk_on_disk.tick(export_new_days)
    desk_on_disk.ran(request, dg.DagsterRunStatus.STARTED)
    assert "on its way" in desk_on_disk.schedule(export_yesterday, utc("2026-05-13T05:00"))


def test_the_provisional_export_requests_yesterday_right_after_midnight(desk):
    request = desk.schedule(export_yesterday_provisionally, utc("2026-05-13T00:10"))
    assert (request.partition_key, request.tags["genesys/reason"]) == ("2026-05-12", "provisional")


def test_before_the_first_day_has_ended_schedules_skip(desk):
    assert "not ended" in desk.schedule(export_yesterday, utc("2026-01-01T05:00"))
