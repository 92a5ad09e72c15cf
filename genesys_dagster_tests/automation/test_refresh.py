"""Exported days are pulled again when the plan says so, at the same small cost however long the history."""

import json
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.automation import knowledge, refresh
from genesys_dagster_tests.automation.conftest import around, utc
from genesys_dagster_tests.default_org import ASSET_KEY, end_of, refresh_days


@pytest.fixture
def watermark(sandbox):
    def set_to(moment):
        sandbox.settings.now = lambda: moment
        sandbox.settings.availability = moment

    return set_to


DAY = "2026-02-01"
END = utc("2026-02-02")


def in_run(first, last=None):
    """The tags of a run of a day, or of a range."""
    if last is None:
        return {"dagster/partition": first}
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


@pytest.fixture
def told(monkeypatch):
    """Sets clock and watermark without a server, for many ticks."""

    def set_to(moment):
        monkeypatch.setattr(knowledge, "now", lambda: moment)
        monkeypatch.setattr(knowledge, "reach", lambda genesys: knowledge.Reach(moment, has_jobs=True))

    return set_to


@pytest.fixture
def follow(desk, told):
    """Ticks at some ages of the day, in days; every request is carried out. Returns the ages of the pulls."""

    def tick_at(some_ages, open_until_age=0):
        ages = []
        for age in some_ages:
            now = END + timedelta(days=age)
            told(now)
            for day in desk.days(refresh_days):
                assert day == DAY
                ages.append(age)
                desk.pulled(day, now, open_conversations=age < open_until_age)
        return ages

    return tick_at


def test_a_day_is_pulled_again_after_1_4_and_14_days(desk, follow):
    desk.pulled(DAY, END)
    assert follow(range(1, 40)) == [1, 4, 14]


def test_a_day_with_open_conversations_is_pulled_every_month_until_they_are_closed(desk, follow):
    desk.pulled(DAY, END, open_conversations=3)
    assert follow([*range(1, 16), *range(24, 150, 10)], open_until_age=80) == [1, 4, 14, 44, 74, 104]


def test_a_day_whose_conversations_ended_late_is_pulled_once_more_for_their_evaluations(desk, told):
    desk.pulled(DAY, END + timedelta(days=14), latest_end=dg.MetadataValue.timestamp(END + timedelta(days=9)))
    ages = []
    for age in range(14, 120):
        told(END + timedelta(days=age))
        for day in desk.days(refresh_days):
            ages.append(age)
            desk.pulled(
                day, END + timedelta(days=age), latest_end=dg.MetadataValue.timestamp(END + timedelta(days=9))
            )
    assert ages == [44]


def test_an_update_from_late_activity_neither_counts_as_a_step_nor_repeats_one(desk, watermark, clock):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=1))
    (request,) = desk.tick(refresh_days)
    run = desk.ran(request, dg.DagsterRunStatus.STARTED)
    desk.pulled(DAY, END, active_until=dg.MetadataValue.timestamp(END + timedelta(days=1)))
    assert desk.days(refresh_days) == []  # it is still on its way
    desk.instance.report_run_failed(run)
    desk.pulled(DAY, END, active_until=dg.MetadataValue.timestamp(END + timedelta(days=2)))
    clock((datetime.now(UTC) + timedelta(hours=2)).replace(tzinfo=None).isoformat())
    assert desk.days(refresh_days) == [DAY]  # nothing came of it
    desk.pulled(DAY, END + timedelta(days=1))
    desk.pulled(
        DAY, END + timedelta(days=1), active_until=dg.MetadataValue.timestamp(END + timedelta(days=4))
    )
    watermark(END + timedelta(days=4))
    assert desk.days(refresh_days) == [DAY]


@pytest.mark.parametrize(("first", "last"), [(DAY, None), (DAY, DAY), ("2026-01-30", "2026-02-03")])
def test_a_day_that_is_being_written_is_requested_after_that(desk, watermark, first, last):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=1))
    tags = in_run(first, last)
    run = desk.instance.add_run(
        dg.DagsterRun(job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, tags=tags)
    )
    assert desk.days(refresh_days) == []
    desk.instance.report_run_canceled(run)
    assert desk.days(refresh_days) == [DAY]


def test_runs_of_other_days_hold_up_no_day(desk, watermark):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=1))
    for first, last in [("2026-01-31", None), ("2026-01-01", "2026-01-31"), ("2026-02-02", "2026-02-09")]:
        run = dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus.STARTED, tags=in_run(first, last))
        desk.instance.add_run(run)
    assert desk.days(refresh_days) == [DAY]


def test_open_conversations_are_given_up_after_a_year(desk, follow):
    desk.redefine(refresh_after_days=(1,), refresh_open_every_days=30, refresh_open_for_days=100)
    desk.pulled(DAY, END, open_conversations=1)
    assert follow([1, *range(11, 200, 10)], open_until_age=999) == [1, 31, 61, 91]


def test_an_old_day_that_is_backfilled_needs_nothing_more(desk, watermark):
    desk.pulled(DAY, END + timedelta(days=90))
    watermark(END + timedelta(days=91))
    assert desk.days(refresh_days) == []


def test_steps_that_were_missed_together_are_one_pull(desk, watermark):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=20))
    assert desk.days(refresh_days) == [DAY]
    desk.pulled(DAY, END + timedelta(days=20))
    assert desk.days(refresh_days) == []


def test_a_pull_by_hand_counts_as_the_step(desk, watermark):
    desk.pulled(DAY, END)
    desk.pulled(DAY, END + timedelta(days=4, hours=1))
    watermark(END + timedelta(days=5))
    assert desk.days(refresh_days) == []


def test_a_step_is_asked_for_with_growing_pauses_as_long_as_nothing_comes_of_it(desk, told):
    desk.pulled(DAY, END)
    asked = []
    # The step of the fourth day starts anew, and is never given up.
    expected = [24, 25, 27, 31, 39, 55, 79, 96, 97, 99, 103, 111, 127, 151, 175, 199, 223, 247, 271]
    for hour in around(expected):
        told(END + timedelta(hours=hour))
        for request in desk.tick(refresh_days):
            asked.append(hour)
            desk.ran(request, ended=END + timedelta(hours=hour))
    assert asked == expected


def test_days_that_wait_are_told_with_their_attempts_and_the_next(desk, told):
    desk.pulled(DAY, END)
    told(END + timedelta(days=1))
    (request,) = desk.tick(refresh_days)
    desk.ran(request, ended=END + timedelta(days=1, minutes=20))
    assert desk.tick(refresh_days) == []
    assert "2026-02-01 (refresh, tried once, next 2026-02-03 01:20 UTC)" in desk.skipped


def test_a_day_of_which_conversations_are_missing_is_wanted_until_they_are_there(desk, told):
    desk.pulled(DAY, END + timedelta(days=20), announced_missing=40)
    told(END + timedelta(days=20))
    (request,) = desk.tick(refresh_days)
    assert request.tags["genesys/reason"] == "incomplete"
    desk.ran(request, dg.DagsterRunStatus.SUCCESS, ended=END + timedelta(days=20))
    desk.pulled(DAY, END + timedelta(days=20), announced_missing=3)
    told(END + timedelta(days=20, minutes=50))
    assert desk.days(refresh_days) == []
    told(END + timedelta(days=20, minutes=70))
    assert desk.days(refresh_days) == [DAY]
    desk.pulled(DAY, END + timedelta(days=20))
    told(END + timedelta(days=22))
    assert desk.days(refresh_days) == []


def test_a_day_from_the_query_is_wanted_only_where_there_are_bulk_jobs(desk, told, monkeypatch):
    desk.pulled(DAY, END + timedelta(days=20), source="query")
    told(END + timedelta(days=20))
    monkeypatch.setattr(
        knowledge, "reach", lambda genesys: knowledge.Reach(END + timedelta(days=20), has_jobs=False)
    )
    assert desk.days(refresh_days) == []
    told(END + timedelta(days=21))
    assert desk.days(refresh_days) == []
    desk.pulled(DAY, END + timedelta(days=21), source="query")
    assert desk.days(refresh_days) == [DAY]


def test_the_cursor_of_the_version_before_goes_on(desk, told):
    desk.pulled(DAY, END)
    place = desk.instance.get_latest_storage_id_by_partition(
        ASSET_KEY, dg.DagsterEventType.ASSET_MATERIALIZATION, {DAY}
    )[DAY]
    given_up = [END.timestamp(), 2, None, (END + timedelta(days=3)).timestamp(), 3]
    desk.cursor = json.dumps({"place": place, "days": {DAY: given_up}})
    told(END + timedelta(days=3))
    assert desk.days(refresh_days) == [DAY]
    desk.pulled(DAY, END + timedelta(days=3))
    assert desk.days(refresh_days) == []


def test_a_restart_with_a_lost_cursor_makes_no_request_twice(desk, watermark):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=1))
    assert desk.days(refresh_days) == [DAY]
    desk.cursor = None
    assert desk.days(refresh_days) == []


def test_the_latest_commit_counts_whatever_earlier_ones_knew(desk, watermark):
    desk.pulled(DAY, END + timedelta(days=5))
    desk.pulled(DAY, END, open_conversations=40)
    watermark(END + timedelta(days=5))
    assert desk.days(refresh_days) == [DAY]


def test_a_materialization_without_our_metadata_counts_from_its_own_time(desk, watermark):
    desk.instance.report_runless_asset_event(dg.AssetMaterialization(ASSET_KEY, partition=DAY))
    desk.instance.report_runless_asset_event(dg.AssetMaterialization(ASSET_KEY))
    watermark(END + timedelta(days=30))
    assert desk.days(refresh_days) == []


def test_days_that_are_no_partitions_any_more_are_left_alone(desk, watermark):
    desk.pulled("2019-05-01", utc("2019-05-02"))
    desk.pulled("not-a-day", utc("2026-02-02"))
    watermark(END + timedelta(days=1))
    assert desk.days(refresh_days) == []


def test_a_watermark_that_goes_back_requests_nothing(desk, watermark):
    desk.pulled(DAY, END)
    watermark(END + timedelta(days=1))
    desk.days(refresh_days)
    desk.pulled(DAY, END + timedelta(days=1))
    for days in (0.5, 1, 2):
        watermark(END + timedelta(days=days))
        assert desk.days(refresh_days) == []


def test_without_credentials_the_sensor_skips_and_names_the_variable(desk, environment):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_SECRET")
    desk.tick(refresh_days)
    assert "GENESYSCLOUD_OAUTHCLIENT_SECRET" in desk.skipped


def test_an_availability_endpoint_that_is_down_is_a_skip_that_forgets_nothing(desk, sandbox, watermark):
    desk.pulled(DAY, END)
    watermark(END)
    desk.tick(refresh_days)
    cursor = desk.cursor
    sandbox.faults.fail_next(1, "503")
    watermark(END + timedelta(days=1))
    assert desk.tick(refresh_days) == []
    assert "HTTP 503" in desk.skipped
    assert desk.cursor == cursor
    assert desk.days(refresh_days) == [DAY]


def test_ticks_stay_short_and_ask_once_however_long_the_history(desk, sandbox, watermark, monkeypatch):
    first, count = utc("2026-01-01"), 50
    for number in range(count):
        day = (first + timedelta(days=number)).date().isoformat()
        for age in (0, 1):
            desk.pulled(day, end_of(day) + timedelta(days=age), open_conversations=2, schema="x" * 20_000)
    watermark(first + timedelta(days=count))
    sandbox.requests.clear()
    seconds = []
    while not seconds or "history" in (desk.skipped or ""):
        started = time.thread_time()  # on a busy machine the clock on the wall says nothing
        desk.tick(refresh_days)
        seconds.append(time.thread_time() - started)
    asked = [request.path.rpartition("/")[2] for request in desk.api_requests]
    assert asked == ["settings", "availability"]  # the first of them once a day, for days as old as these
    assert max(seconds) < 1.0
    assert len(desk.cursor) < 60 * count


def test_while_nothing_can_be_due_the_api_is_not_asked(desk, sandbox, clock):
    desk.pulled(DAY, END)
    sandbox.requests.clear()
    clock("2026-02-02T23:59")
    assert desk.tick(refresh_days) == []
    assert "none can be due" in desk.skipped
    assert not desk.api_requests


def test_a_long_history_is_read_in_over_several_ticks(desk, watermark, monkeypatch):
    monkeypatch.setattr(refresh, "_READING", 0.0)
    monkeypatch.setattr(refresh, "_PAGE", 2)
    for age in range(5):
        desk.pulled(DAY, END + timedelta(hours=age))
    watermark(END + timedelta(days=1))
    ticks = 0
    while not (found := desk.days(refresh_days)):
        ticks += 1
        assert ticks < 5
        assert "history" in desk.skipped
    assert (found, ticks) == ([DAY], 2)
