"""What happens late in older conversations is found by one series of requests, and put where it belongs by none."""

import functools
import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.definitions import build_definitions
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.api import selection
from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.rows import decode
from genesys_dagster.sandbox.times import day_number, from_datetime
from genesys_dagster_tests.conftest import Outcome, copy_events, submitted_before_the_first_page
from genesys_dagster_tests.default_org import conversation_details, late_activity, resources_of
from genesys_dagster_tests.test_conversation_details import records_in

SWEPT = date(2026, 5, 11)
START = datetime(2026, 5, 11, tzinfo=UTC)
END = START + timedelta(days=1)
WATERMARK = END + timedelta(hours=4)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def materialize(environment, instance, sandbox):
    """Materializes an asset when the watermark is at an instant; returns the run's outcome."""

    def run(asset, *days, watermark=WATERMARK, config=None, **settings):
        sandbox.settings.availability = watermark
        ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        result = dg.materialize(
            [asset],
            partition_key=str(days[0]) if len(days) == 1 else None,
            tags=dict(zip(ends, map(str, days), strict=True)) if len(days) > 1 else None,
            instance=instance,
            resources=resources_of(genesys=GenesysResource(**settings)),
            run_config={"ops": {asset.op.name: {"config": config}}} if config else None,
            raise_on_error=False,
        )
        return Outcome(result)

    return run


@pytest.fixture
def pull(materialize):
    return lambda day, watermark: materialize(conversation_details, day, watermark=watermark)


@pytest.fixture
def sweep(materialize):
    return lambda *days, watermark=WATERMARK, **settings: materialize(
        late_activity, *days, watermark=watermark, **settings
    )


@pytest.fixture
def update(materialize):
    return lambda day: materialize(conversation_details, day, config={"from_late_activity": True})


@pytest.fixture
def found(lake):
    """The records that a sweep left in the lake."""
    return lambda day=SWEPT: records_in(lake.table_of("late_activity", day))


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
    for age in range(1, LONGEST + 1):
        rows = org.rows_of_day(today - age) if age == 1 else org.long_rows(today - age, age)
        yield from (row for row in rows if row.end >= from_datetime(start))


@functools.cache
def truth(org, start, end, as_of):
    """The records of what was active in an interval and had begun before, in order of their start."""
    rows = sorted(alive(org, start), key=lambda row: row.start)
    records = [decode(org.body(row, from_datetime(as_of))) for row in rows]
    return [record for record in records if any(start <= at < end for at in happened(record))]


def day_counts(records):
    days = [record["conversationStart"][:10] for record in records]
    return {day: days.count(day) for day in sorted(days)}


def test_a_sweep_finds_exactly_the_older_conversations_in_which_something_happened(sweep, sandbox, found):
    sweep(SWEPT - timedelta(days=1))
    outcome = sweep(SWEPT)
    expected = truth(sandbox.org, START, END, WATERMARK)
    assert found() == expected
    assert outcome.metadata["days"] == day_counts(expected)
    assert len(outcome.metadata["days"]) > 5
    assert outcome.metadata["days_swept"] == 1


def test_a_sweep_is_one_series_of_requests_that_does_not_read_the_days_themselves(sweep, sandbox):
    sweep(SWEPT - timedelta(days=1))
    sandbox.settings.max_job_page_size = 20
    sandbox.requests.clear()
    metadata = sweep(SWEPT).metadata
    requests = [
        (each.method, each.path.rpartition("/")[2]) for each in sandbox.requests if "/api/" in each.path
    ]
    submitted = [
        json.loads(each.body) for each in sandbox.requests if each.method == "POST" and each.body[:1] == b"{"
    ]
    assert [body["startOfDayIntervalMatching"] for body in submitted] == [False]
    assert requests.count(("GET", "results")) < len(sandbox.org.day(SWEPT)) / 20 / 2
    assert abs(metadata["api_requests"] - len(requests)) <= 2  # pages read ahead, and broken off
    assert sandbox.jobs == {}


@pytest.mark.parametrize(("ahead", "before_the_first_page"), [({}, 3), ({"jobs_ahead": 0}, 1)])
def test_jobs_of_the_next_days_of_a_run_are_made_while_one_is_swept(
    sweep, sandbox, found, ahead, before_the_first_page
):
    days = [SWEPT - timedelta(days=1), SWEPT]
    sweep(days[0] - timedelta(days=2))  # the day between is made up for
    sandbox.requests.clear()
    sandbox.settings.job_delay = 0.3
    assert sweep(*days, **ahead).success
    assert found() == truth(sandbox.org, START, END, WATERMARK)
    assert submitted_before_the_first_page(sandbox) == (before_the_first_page, 3)
    assert sandbox.jobs == {}


def test_results_that_are_not_in_order_are_read_to_the_end(sweep, sandbox, found, monkeypatch):
    in_order = selection.Selector.rows

    monkeypatch.setattr(
        selection.Selector, "rows", lambda self, query, as_of: in_order(self, query, as_of)[::-1]
    )
    sandbox.settings.max_job_page_size = 50
    sweep(SWEPT - timedelta(days=1))
    sweep(SWEPT)
    assert found() == truth(sandbox.org, START, END, WATERMARK)


def test_the_first_sweep_looks_back_three_days(sweep):
    assert sweep(SWEPT).metadata["days_swept"] == 3


def test_days_that_were_never_swept_are_made_up_for_with_their_latest_records(sweep, sandbox, found):
    sweep(SWEPT - timedelta(days=5))
    outcome = sweep(SWEPT)
    assert outcome.metadata["days_swept"] == 5
    expected = {}
    for age in range(5):
        start = START - timedelta(days=age)
        for record in truth(sandbox.org, start, start + timedelta(days=1), WATERMARK):
            expected[record["conversationId"]] = record
    assert {record["conversationId"]: record for record in found()} == expected
    assert len(found()) == len(expected)


def test_a_range_in_one_run_sweeps_each_day_once(sweep, sandbox, found):
    before = SWEPT - timedelta(days=1)
    sweep(SWEPT - timedelta(days=2))
    sandbox.requests.clear()
    assert sweep(before, SWEPT).success
    assert found(before) == truth(sandbox.org, START - timedelta(days=1), START, WATERMARK)
    assert found(SWEPT) == truth(sandbox.org, START, END, WATERMARK)
    submitted = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/jobs")]
    assert len(submitted) == 2


def test_a_day_that_the_watermark_has_not_passed_is_not_swept_by_halves(sweep, lake):
    outcome = sweep(SWEPT, watermark=END - timedelta(hours=1))
    assert not outcome.success
    assert "2026-05-11" in outcome.failure
    assert lake.keys() == []


def test_without_credentials_the_variable_is_named(sweep, environment):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in sweep(SWEPT).failure


# ---------------------------------------------------------------------------------------------------------------------
# Updates

OLD = SWEPT - timedelta(days=6)
PULLED = datetime(2026, 5, 7, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def _first():
    """What the first test to need it pulled and swept; the others take it from here."""
    return {}


@pytest.fixture
def history(pull, sweep, instance, lake, _first):
    """An older day as it was pulled a day after its end, and everything swept since."""
    if not _first:
        assert pull(OLD, PULLED).success
        assert sweep(SWEPT - timedelta(days=5)).success
        assert sweep(SWEPT).success
        _first["objects"] = lake.objects()
        copy_events(instance, _first.setdefault("instance", dg.DagsterInstance.ephemeral()))
    else:
        lake.put_all(_first["objects"])
        copy_events(_first["instance"], instance)


def up_to_date(org):
    """The older day: as of the last sweep what was active since the pull, all else as of the pull."""
    late = {}
    for age in range(5):
        start = START - timedelta(days=age)
        late |= {r["conversationId"]: r for r in truth(org, start, start + timedelta(days=1), WATERMARK)}
    return [late.get(record["conversationId"], record) for record in org.day(OLD, as_of=PULLED)]


def test_an_update_brings_what_was_found_and_changes_nothing_else(history, update, sandbox, lake):
    before = records_in(lake.table(OLD))
    outcome = update(OLD)
    after = records_in(lake.table(OLD))
    assert after == up_to_date(sandbox.org)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert changed > 3
    metadata = outcome.metadata
    assert (metadata["rows_added"], metadata["rows_changed"], metadata["rows_removed"]) == (0, changed, 0)


def test_an_update_takes_no_request(history, update, sandbox):
    sandbox.requests.clear()
    assert update(OLD).metadata["api_requests"] == 0
    assert not sandbox.requests


def test_the_job_of_the_sensor_updates_and_checks_without_a_request(history, instance, sandbox, lake):
    sandbox.requests.clear()
    job = build_definitions().resolve_job_def("update_conversation_details")
    assert job.execute_in_process(partition_key=str(OLD), instance=instance).success
    assert records_in(lake.table(OLD)) == up_to_date(sandbox.org)
    assert not sandbox.requests


def test_an_update_tells_what_the_partition_knows_now(history, update, lake):
    metadata = update(OLD).metadata
    rows = records_in(lake.table(OLD))
    ends = [record["conversationEnd"] for record in rows if "conversationEnd" in record]
    assert metadata["open_conversations"] == len(rows) - len(ends)
    assert metadata["latest_end"] == datetime.fromisoformat(max(ends)).timestamp()
    assert (metadata["known_until"], metadata["active_until"]) == (PULLED.timestamp(), END.timestamp())
    assert metadata["source"] == "job"
    assert metadata["total_hits"] == metadata["dagster/partition_row_count"] == len(rows)


def test_the_next_update_goes_on_where_the_last_one_ended(history, update, sweep, sandbox, lake):
    assert update(OLD).metadata["updated_from"] == [str(SWEPT)]
    sweep(SWEPT + timedelta(days=1), watermark=WATERMARK + timedelta(days=1))
    assert update(OLD).metadata["updated_from"] == [str(SWEPT + timedelta(days=1))]
    now = {r["conversationId"]: r for r in records_in(lake.table(OLD))}
    late = truth(sandbox.org, END, END + timedelta(days=1), WATERMARK + timedelta(days=1))
    of_the_day = [record for record in late if record["conversationStart"].startswith(str(OLD))]
    assert of_the_day
    for record in of_the_day:
        assert now[record["conversationId"]] == record


def test_a_day_that_cannot_be_updated_is_pulled_whole(update, pull, sweep, sandbox, lake):
    whole = sandbox.org.day(OLD, as_of=WATERMARK)
    assert update(OLD).metadata["api_requests"] > 0  # never pulled
    assert records_in(lake.table(OLD)) == whole
    pull(OLD, PULLED)
    sweep(SWEPT)
    lake.client.delete_object(Bucket=lake.bucket, Key=lake.key(OLD))
    assert update(OLD).metadata["api_requests"] > 0
    assert records_in(lake.table(OLD)) == whole


def test_an_object_that_is_not_readable_is_replaced_by_a_whole_pull(history, update, sandbox, lake):
    lake.put(OLD, b"not Parquet")
    assert update(OLD).metadata["api_requests"] > 0
    assert records_in(lake.table(OLD)) == sandbox.org.day(OLD, as_of=WATERMARK)


def test_a_sweep_that_is_gone_from_the_lake_costs_a_whole_pull(history, update, sandbox, lake):
    key = lake.key(SWEPT).replace("conversation_details", "late_activity")
    lake.client.delete_object(Bucket=lake.bucket, Key=key)
    assert update(OLD).metadata["api_requests"] > 0
    assert records_in(lake.table(OLD)) == sandbox.org.day(OLD, as_of=WATERMARK)


def test_an_update_that_is_overtaken_by_a_pull_writes_nothing_and_starts_anew(
    history, update, lake, monkeypatch
):
    read = StoredVersion.tables
    pulls = [b"a newer pull"]

    def read_slowly(self):
        yield from read(self)
        if "conversation_details" in self.uri and pulls:
            lake.put(OLD, pulls.pop())

    monkeypatch.setattr(StoredVersion, "tables", read_slowly)
    outcome = update(OLD)
    assert outcome.was_retried
    assert outcome.metadata["api_requests"] > 0  # what the pull wrote here cannot be updated
