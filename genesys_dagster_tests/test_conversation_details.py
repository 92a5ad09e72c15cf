"""The asset as its users know it: a day of the org becomes an object in the lake, or one message says why not."""

import json
import signal
import threading
import time
from collections import deque
from datetime import timedelta

import pytest

from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.conftest import DAY, NOW, submitted_before_the_first_page
from genesys_dagster_tests.records.conversations import as_sent

_READ = deque(maxlen=8)


def records_in(table):
    """A table's records; that of equal tables is read once, as most tests end with the same."""
    for known, records in _READ:
        if known.equals(table, check_metadata=True):
            return records
    _READ.append((table, [as_sent(row) for row in table.to_pylist()]))
    return _READ[-1][1]


def held(sandbox, source="job", day=DAY):
    """The org's truth: a job knows what was known at its watermark, and attributes; the query is up to the minute."""
    if source == "job":
        return sandbox.org.day(day, as_of=sandbox.settings.watermark)
    return [
        record
        | {
            "participants": [
                {k: v for k, v in p.items() if k != "attributes"} for p in record["participants"]
            ]
        }
        for record in sandbox.org.day(day)
    ]


def test_a_day_from_the_bulk_job_equals_what_the_org_holds_field_by_field(export, sandbox, lake):
    outcome = export(source="job")
    assert outcome.success
    assert records_in(lake.table()) == held(sandbox)
    assert outcome.metadata["source"] == "job"


def test_a_day_from_the_interactive_query_equals_the_org_but_for_attributes(export, sandbox, lake):
    assert export(source="query").success
    assert records_in(lake.table()) == held(sandbox, "query")


def test_a_gateway_that_pages_by_cursor_gives_the_same_day(export, sandbox, lake):
    sandbox.settings.cursor_dialect = True
    assert export(source="query", paging="cursor").success
    assert records_in(lake.table()) == held(sandbox, "query")


def test_auto_takes_the_job_once_the_watermark_has_passed_the_day(export, sandbox):
    sandbox.settings.availability = NOW.replace(day=13, hour=0, minute=0)
    assert export().metadata["source"] == "job"


def test_auto_takes_the_query_while_the_watermark_has_not_passed_the_day(export, sandbox):
    sandbox.settings.availability = NOW.replace(day=12, hour=23)
    assert export().metadata["source"] == "query"


def test_the_object_lies_where_the_layout_says_with_the_one_schema(export, lake):
    export()
    assert lake.keys() == ["genesys/conversation_details/date=2026-05-12/data.parquet"]
    assert lake.table().schema.equals(CONVERSATION_SCHEMA)
    assert not lake.table().schema.field("conversationId").nullable


def test_the_materialization_tells_what_was_pulled(export, sandbox, lake):
    metadata = export(source="query").metadata
    day = sandbox.org.day(DAY)
    assert metadata["dagster/partition_row_count"] == metadata["total_hits"] == len(day)
    assert metadata["dagster/uri"] == f"s3://{lake.bucket}/{lake.key()}"
    assert metadata["bytes_written"] == len(lake.bytes())
    assert metadata["pages"] == -(-len(day) // 100)
    assert metadata["api_requests"] == len([r for r in sandbox.requests if r.path.startswith("/api/")])
    assert metadata["open_conversations"] == sum("conversationEnd" not in record for record in day)
    assert (
        metadata["api_retries"] == metadata["duplicates_dropped"] == metadata["outside_window_dropped"] == 0
    )
    assert metadata["unknown_fields"] == {}
    assert {"multipart_parts", "dagster/column_schema"} <= set(metadata)


def test_personal_data_is_masked_in_the_preview(export, sandbox):
    preview = export().metadata["preview"]
    assert "conversationId" in preview
    for record in sandbox.org.day(DAY)[:5]:
        tags = record.get("externalTag")
        assert not tags or tags not in preview


def test_the_same_answers_give_the_same_bytes_and_data_version(export, lake):
    first, bytes_of_first = export(), lake.bytes()
    second = export()
    assert lake.bytes() == bytes_of_first
    assert second.data_version == first.data_version


def test_another_content_has_another_data_version(export, sandbox):
    first = export(source="job")
    sandbox.faults.unknown_enums = True
    assert export(source="job").data_version != first.data_version


def test_conversations_that_come_twice_are_kept_once(export, sandbox, lake):
    sandbox.faults.duplicates = 7
    metadata = export(source="query").metadata
    assert records_in(lake.table()) == held(sandbox, "query")
    assert metadata["duplicates_dropped"] >= 7


@pytest.mark.parametrize("drift", [(-250, 0, 35), (90, -90), (-399,)])
def test_no_page_is_lost_when_total_hits_moves(export, sandbox, lake, drift):
    sandbox.faults.total_hits_drift = drift
    assert export(source="query").success
    assert records_in(lake.table()) == held(sandbox, "query")


def test_unknown_fields_are_kept_counted_and_change_nothing_else(export, sandbox, lake):
    sandbox.faults.unknown_fields = True
    metadata = export(source="job").metadata
    table = lake.table()
    asides = [json.loads(text) for text in table["unknownFields"].to_pylist() if text]
    assert records_in(table) == held(sandbox)
    assert metadata["unknown_fields"]["sentimentScore"] == len(asides) > 10
    assert all(aside["sentimentScore"] == 0.25 for aside in asides)
    assert sum(metadata["unknown_fields"].values()) == sum(map(len, asides))


@pytest.mark.parametrize(
    "kind", ["429", "500", "502", "503", "504", "408", "drop", "truncate", "cut", "garbage"]
)
@pytest.mark.parametrize("source", ["job", "query"])
def test_faults_that_pass_cost_only_repeats(export, sandbox, lake, kind, source):
    sandbox.faults.retry_after = 0
    sandbox.faults.every(3, kind, path="/api/v2/analytics", method="POST" if source == "query" else "GET")
    metadata = export(source=source).metadata
    assert records_in(lake.table()) == held(sandbox, source)
    assert metadata["api_retries"] > 0


def test_a_token_that_expires_on_the_way_is_renewed(export, sandbox, lake):
    sandbox.faults.every(4, "401")
    assert export(source="query").success
    assert len(lake.table()) == len(sandbox.org.day(DAY))


def test_a_day_without_conversations_is_an_empty_object_of_the_same_schema(export, environment, lake):
    with SandboxServer(Org(conversations_per_day=0)) as quiet:
        environment.setenv("GENESYSCLOUD_API_URL", quiet.url)
        environment.setenv("GENESYSCLOUD_LOGIN_URL", quiet.url)
        assert export().metadata["dagster/partition_row_count"] == 0
    assert lake.table().schema.equals(CONVERSATION_SCHEMA)


def test_a_range_in_one_run_is_split_into_its_partitions(export, sandbox, lake):
    days = [DAY - timedelta(days=1), DAY]
    outcome = export(*days)
    assert {
        m.partition: m.metadata["dagster/partition_row_count"].value for m in outcome.materializations
    } == {str(day): len(sandbox.org.day(day)) for day in days}
    for day in days:
        assert records_in(lake.table(day)) == held(sandbox, day=day)


@pytest.mark.parametrize(("ahead", "before_the_first_page"), [({}, 3), ({"jobs_ahead": 0}, 1)])
def test_in_a_run_over_several_days_genesys_cloud_works_on_the_next_ones_meanwhile(
    export, sandbox, lake, ahead, before_the_first_page
):
    sandbox.settings.job_delay = 0.3
    days = [DAY - timedelta(days=back) for back in (2, 1, 0)]
    assert export(*days, source="job", **ahead).success
    for day in days:
        assert records_in(lake.table(day)) == held(sandbox, day=day)
    assert submitted_before_the_first_page(sandbox) == (before_the_first_page, 3)
    assert sandbox.jobs == {}


# ---------------------------------------------------------------------------------------------------------------------
# Bad input: one message that says what to do, nothing written, the version before intact


def refused(outcome, lake, *words, retried=False):
    assert not outcome.success
    for word in words:
        assert word in outcome.failure
    assert "sandbox-secret" not in outcome.failure
    assert "\n" not in outcome.failure.strip()
    assert outcome.was_retried is retried
    assert lake.keys() == [lake.key()]
    assert lake.bytes() == b"the version before"
    assert lake.uploads() == []


@pytest.fixture
def before(lake):
    lake.put()


@pytest.mark.parametrize("variable", ["GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET"])
def test_a_missing_variable_is_named(export, environment, lake, before, variable):
    environment.delenv(variable)
    refused(export(), lake, variable)


def test_a_missing_bucket_variable_is_named(export, environment, lake, before):
    environment.delenv("GENESYS_S3_BUCKET")
    refused(export(), lake, "GENESYS_S3_BUCKET")


def test_a_wrong_secret_is_said(export, environment, lake, before):
    environment.setenv("GENESYSCLOUD_OAUTHCLIENT_SECRET", "sandbox-secret-but-wrong")
    refused(export(), lake, "GENESYSCLOUD_OAUTHCLIENT_SECRET")


def test_a_client_without_permission_learns_which_one(export, sandbox, lake, before):
    sandbox.settings.permissions.discard("analytics:conversationDetail:view")
    try:
        refused(export(), lake, "analytics:conversationDetail:view")
    finally:
        sandbox.settings.permissions.add("analytics:conversationDetail:view")


def test_an_unknown_region_is_said(export, environment, lake, before):
    environment.delenv("GENESYSCLOUD_API_URL")
    environment.setenv("GENESYSCLOUD_REGION", "mars-north-1")
    refused(export(), lake, "mars-north-1")


def test_an_unknown_bucket_is_named(export, environment, lake, before):
    environment.setenv("GENESYS_S3_BUCKET", "no-such-bucket")
    refused(export(), lake, "no-such-bucket")


def test_a_day_that_is_not_over_is_refused(export, lake, before, monkeypatch):
    from genesys_dagster.assets import terms

    class Earlier(terms.datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW.replace(day=12).astimezone(tz)

    monkeypatch.setattr(terms, "datetime", Earlier)
    refused(export(), lake, "2026-05-12", "not over")


def test_a_job_that_is_demanded_before_its_watermark_is_refused(export, sandbox, lake, before):
    sandbox.settings.availability = NOW.replace(day=12)
    refused(export(source="job"), lake, "2026-05-12", retried=True)


def test_a_server_that_is_no_genesys_cloud_is_said(export, environment, lake, before):
    environment.setenv("GENESYSCLOUD_API_URL", lake.client.meta.endpoint_url)
    assert not export(max_attempts=1).success
    assert lake.bytes() == b"the version before"


def test_records_that_are_no_conversations_are_an_error(export, sandbox, lake, before, monkeypatch):
    from genesys_dagster.extract import export as exports

    monkeypatch.setattr(
        exports.Page, "body", property(lambda _: b'{"conversations":[{"name":"x"}]}'), raising=False
    )
    outcome = export(source="query")
    assert not outcome.success
    assert lake.bytes() == b"the version before"


def test_a_failure_in_the_middle_leaves_the_version_before(export, sandbox, lake, before):
    sandbox.faults.fail_next(10_000, "500", path="/api/v2/analytics/conversations/details/jobs/")
    outcome = export(source="job", max_attempts=1)
    assert not outcome.success
    assert lake.bytes() == b"the version before"
    assert lake.uploads() == []


def test_a_cancelled_run_stops_is_not_retried_and_cleans_up(export, sandbox, lake, before):
    sandbox.settings.max_job_page_size = 10
    sandbox.faults.latency_seconds = 0.1

    def interrupt_while_results_are_read():
        while not any(request.path.endswith("/results") for request in list(sandbox.requests)):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt_while_results_are_read, daemon=True).start()
    outcome = export(source="job")
    assert not outcome.success
    assert not outcome.was_retried
    (event,) = outcome.result.filter_events(lambda event: event.is_step_failure)
    assert event.step_failure_data.error.cls_name == "DagsterExecutionInterruptedError"
    assert lake.bytes() == b"the version before"
    assert lake.uploads() == []
    assert sandbox.jobs == {}
