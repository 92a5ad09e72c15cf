"""One sweep finds exactly the older days whose conversations went on, and only they are pulled again."""

import asyncio
import json
from datetime import datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.automation.export import EXPORT_JOB
from genesys_dagster.automation.late_activity import (
    late_activity,
    refresh_late_activity,
    sweep_late_activity_daily,
)
from genesys_dagster.definitions import build_definitions
from genesys_dagster.genesys.activity import late_activity as conversations_with_late_activity
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.api import selection
from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.rows import decode
from genesys_dagster.sandbox.times import day_number, from_datetime
from genesys_dagster_tests.automation.conftest import utc

SWEEP = utc("2026-05-10T06:00"), utc("2026-05-12T18:00")


@pytest.fixture
def history(desk):
    """Everything was exported when it was a day old."""
    for age in range(60):
        day = SWEEP[0] - timedelta(days=age)
        desk.pulled(str(day.date()), day + timedelta(days=2))


@pytest.fixture
def sweep(desk, sandbox):
    """Sweeps up to an instant; returns the metadata."""

    def up_to(moment, **settings):
        sandbox.settings.availability = moment
        result = dg.materialize(
            [late_activity],
            instance=desk.instance,
            resources={"genesys": GenesysResource(**settings)},
            raise_on_error=False,
        )
        if not result.success:
            (failure,) = result.filter_events(lambda event: event.is_step_failure)
            return failure.step_failure_data.user_failure_data.description
        (event,) = result.get_asset_materialization_events()
        return {name: value.value for name, value in event.materialization.metadata.items()}

    return up_to


def happened(record):
    """Every timestamp of a record."""
    texts = [record.get("conversationEnd")]
    for kind in ("evaluations", "surveys", "resolutions"):
        texts += [each["eventTime"] for each in record.get(kind, ())]
    for participant in record["participants"]:
        for session in participant["sessions"]:
            texts += [metric["emitDate"] for metric in session.get("metrics", ())]
            for segment in session["segments"]:
                texts += [segment["segmentStart"], segment.get("segmentEnd")]
    return [datetime.fromisoformat(text) for text in texts if text]


def alive(org, start):
    """The conversations that began before an instant and had not ended by then."""
    today = day_number(start.date())
    for age in range(LONGEST + 1):
        rows = org.rows_of_day(today) if age == 0 else org.long_rows(today - age, age)
        yield from (row for row in rows if row.start < from_datetime(start) <= row.end)
    yield from (row for row in org.rows_of_day(today - 1) if row.end >= from_datetime(start))


def set_swept(desk, until):
    metadata = {"swept_until": dg.MetadataValue.timestamp(until)}
    desk.instance.report_runless_asset_event(dg.AssetMaterialization(late_activity.key, metadata=metadata))


def truth(org, start, end):
    """The latest activity in the interval of conversations that began before it, by day of start."""
    latest = {}
    for row in alive(org, start):
        record = decode(org.body(row, from_datetime(end)))
        day = record["conversationStart"][:10]
        for at in happened(record):
            if start <= at < end:
                latest[day] = max(latest.get(day, at), at)
    return latest


def test_the_sweep_finds_exactly_the_days_whose_conversations_went_on(sweep, sandbox, desk, history):
    start, end = SWEEP
    set_swept(desk, start)
    metadata = sweep(end)
    found = {day: datetime.fromisoformat(at) for day, at in metadata["days"].items()}
    assert found == truth(sandbox.org, start, end)
    assert len(found) > 5
    assert set(metadata["conversations"]) == set(found)
    assert (metadata["swept_from"], metadata["swept_until"]) == (start.timestamp(), end.timestamp())


def test_the_sweep_is_one_series_of_requests_that_does_not_read_the_days_themselves(sweep, sandbox):
    sweep(SWEEP[0])
    sandbox.settings.max_job_page_size = 20
    sandbox.requests.clear()
    metadata = sweep(SWEEP[1])
    requests = [
        (each.method, each.path.rpartition("/")[2]) for each in sandbox.requests if "/api/" in each.path
    ]
    submitted = [
        json.loads(each.body) for each in sandbox.requests if each.method == "POST" and each.body[:1] == b"{"
    ]
    assert [body["startOfDayIntervalMatching"] for body in submitted] == [False]
    pages = requests.count(("GET", "results"))
    in_the_days = sum(len(sandbox.org.day(SWEEP[0].date() + timedelta(days=age))) for age in range(3))
    assert pages < in_the_days / 20 / 2
    assert abs(metadata["api_requests"] - len(requests)) <= 2  # pages read ahead, and broken off
    assert sandbox.jobs == {}


def test_the_next_sweep_begins_where_the_last_one_ended_and_keeps_its_days(sweep, history):
    first = sweep(SWEEP[0])
    second = sweep(SWEEP[1])
    assert second["swept_from"] == SWEEP[0].timestamp()
    assert set(first["days"]) <= set(second["days"])
    again = sweep(SWEEP[1])
    assert (again["swept_from"], again["days"]) == (None, second["days"])


def test_a_day_that_was_pulled_two_weeks_after_its_activity_is_watched_no_more(sweep, desk, history):
    day, active = sweep(SWEEP[1])["days"].popitem()
    desk.pulled(day, datetime.fromisoformat(active) + timedelta(days=14))
    assert day not in sweep(SWEEP[1])["days"]


def test_days_that_were_never_exported_are_not_watched(sweep):
    assert sweep(SWEEP[1])["days"] == {}


def test_the_first_sweep_looks_back_three_days(sweep):
    assert sweep(SWEEP[1])["swept_from"] == (SWEEP[1] - timedelta(days=3)).timestamp()


def test_a_watermark_that_goes_back_sweeps_nothing_and_forgets_nothing(sweep):
    sweep(SWEEP[1])
    back = sweep(SWEEP[0])
    assert (back["conversations"], back["swept_until"]) == ({}, SWEEP[1].timestamp())


def test_without_credentials_the_variable_is_named(sweep, desk, environment):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in sweep(SWEEP[1])
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in desk.schedule(sweep_late_activity_daily, SWEEP[1])


def swept(start, end):
    """One sweep without Dagster, by day of start."""

    async def scenario():
        async with GenesysResource().client() as client:
            return [each async for each in conversations_with_late_activity(client, Interval(start, end))]

    latest = {}
    for each in asyncio.run(scenario()):
        day = str(each.started.date())
        latest[day] = max(latest.get(day, each.latest), each.latest)
    return latest


def test_results_that_are_not_in_order_are_read_to_the_end(environment, sandbox, monkeypatch):
    in_order = selection.Selector.rows

    monkeypatch.setattr(
        selection.Selector, "rows", lambda self, query, as_of: in_order(self, query, as_of)[::-1]
    )
    sandbox.settings.max_job_page_size = 50
    sandbox.settings.availability = SWEEP[1]
    assert swept(*SWEEP) == truth(sandbox.org, *SWEEP)


# ---------------------------------------------------------------------------------------------------------------------
# What the sensor makes of it


def requested(desk, days, swept_until="2026-05-12T00:00"):
    metadata = {
        "days": dg.MetadataValue.json(days),
        "swept_until": dg.MetadataValue.timestamp(utc(swept_until)),
    }
    desk.instance.report_runless_asset_event(dg.AssetMaterialization(late_activity.key, metadata=metadata))
    defs = dg.Definitions(
        assets=[conversation_details, late_activity],
        jobs=[EXPORT_JOB],
        sensors=[refresh_late_activity],
        resources=build_definitions().resources,
    )
    with dg.build_sensor_context(instance=desk.instance, cursor=desk.cursor, definitions=defs) as context:
        data = refresh_late_activity.evaluate_tick(context)
    desk.cursor = data.cursor
    return [request.partition_key for request in data.run_requests or ()]


ACTIVE = "2026-05-10T08:00:00+00:00"


def test_exactly_the_exported_days_with_activity_since_their_last_pull_are_requested(desk):
    desk.pulled("2026-04-01", utc("2026-04-20"))
    desk.pulled("2026-04-02", utc("2026-05-11"))  # pulled since
    found = dict.fromkeys(["2026-04-01", "2026-04-02", "2026-04-03", "2025-12-31"], ACTIVE)
    assert requested(desk, found) == ["2026-04-01"]


def test_a_day_is_pulled_once_in_two_weeks_and_a_last_time_two_weeks_after_its_last_activity(desk):
    desk.pulled("2026-04-01", utc("2026-04-20"))
    pulls = []
    for age in range(50):
        now = utc("2026-05-03") + timedelta(days=age)
        for day in requested(desk, {"2026-04-01": ACTIVE}, now.replace(tzinfo=None).isoformat()):
            pulls.append(str(now.date()))
            desk.pulled(day, now)
    assert pulls == ["2026-05-04", "2026-05-18", "2026-06-01"]


def test_each_sweep_is_looked_at_once(desk):
    desk.pulled("2026-04-01", utc("2026-04-20"))
    assert requested(desk, {"2026-04-01": ACTIVE}) == ["2026-04-01"]
    assert requested(desk, {}) == []
