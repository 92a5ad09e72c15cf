"""`contact_center_report` in the lake: written, found again, and what happens when it cannot be."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.test_utils import freeze_time
from dagster_aws.s3 import S3Resource

from genesys_dagster.assets.report import contact_center_report as report_of
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster.report.io_manager import S3PageIOManager, _address
from genesys_dagster_tests.conftest import Outcome
from genesys_dagster_tests.default_org import PARTITIONS as ALL_DAYS
from genesys_dagster_tests.default_org import (
    agent_performance,
    contact_center_report,
    queue_performance,
    resources_of,
)
from genesys_dagster_tests.performance.conftest import metric
from genesys_dagster_tests.report.conftest import LAST, agent_row, back, queue_row
from genesys_dagster_tests.schemas import AGENT_PERFORMANCE, QUEUE_PERFORMANCE, SESSION_METRICS

ORG = GenesysCloud.from_environment(start="2026-05-01")
PARTITIONS = ORG.days.partitions
KEY = "genesys/contact_center_report/report.html"


@pytest.fixture
def put(lake):
    """Puts a day of figures into the lake."""

    def put(asset, day, rows, schema):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
        key = f"genesys/{asset}/date={day}/data.parquet"
        lake.client.put_object(Bucket=lake.bucket, Key=key, Body=sink.getvalue().to_pybytes())

    return put


@pytest.fixture
def days(put):
    """Three days of figures, with a gap."""
    for number in (0, 1, 3):
        day = back(number)
        put("queue_performance", day, [queue_row(day, offered=10)], QUEUE_PERFORMANCE)
        put("agent_performance", day, [agent_row(day, handled=3, handle_seconds=90)], AGENT_PERFORMANCE)


@pytest.fixture
def report(environment):
    """Materializes the report."""
    page = report_of(ORG)

    def report(**settings):
        stubs = [
            dg.AssetSpec(asset.key, partitions_def=PARTITIONS).with_io_manager_key("s3_parquet_io_manager")
            for asset in (queue_performance, agent_performance)
        ]
        pages = S3PageIOManager(s3=S3Resource(), **settings)
        return Outcome(
            dg.materialize(
                [*stubs, page],
                selection=[page],
                resources=resources_of(s3_page_io_manager=pages),
                raise_on_error=False,
            )
        )

    # A month in which all that is looked for begins: else each test asks for hundreds of days that are not there.
    with freeze_time(datetime(2026, 5, 20, tzinfo=UTC)):
        yield report


def test_the_page_lies_where_the_layout_says_and_is_html(days, report, lake):
    outcome = report()
    assert outcome.success, outcome.failure
    stored = lake.client.get_object(Bucket=lake.bucket, Key=KEY)
    body = stored["Body"].read()
    assert stored["ContentType"] == "text/html; charset=utf-8"
    assert body.startswith(b"<!doctype html>")
    assert "27 of these 30 days are not in the lake yet" in body.decode()
    assert outcome.metadata["bytes_written"] == len(body)


def test_the_metadata_link_to_the_page_and_show_it_in_small(days, report, lake):
    metadata = report().metadata
    assert metadata["dagster/uri"] == f"s3://{lake.bucket}/{KEY}"
    assert metadata["page"] == f"{lake.client.meta.endpoint_url}/{lake.bucket}/{KEY}"
    assert "data:image/svg+xml" in metadata["summary"]
    assert (metadata["first_day"], metadata["last_day"]) == (str(back(29)), str(LAST))
    assert metadata["days_present"] == 3


def test_the_bytes_that_it_read_are_told(days, report, lake):
    """Small objects, which come whole with the question whether they are there."""
    listed = lake.client.list_objects_v2(Bucket=lake.bucket)["Contents"]
    objects = sum(item["Size"] for item in listed if "_performance/" in item["Key"])
    assert report().metadata["bytes_read"] == objects


def test_days_that_an_older_version_computed_are_named_until_they_are_computed_again(days, put, report):
    schema = QUEUE_PERFORMANCE.set(1, QUEUE_PERFORMANCE.field("day").with_metadata(None))
    put("queue_performance", back(1), [queue_row(back(1), offered=10), queue_row(LAST, offered=5)], schema)
    before = report().metadata
    assert before["days_to_compute_again"] == [str(back(1))]
    assert "| Offered | 30 |" in before["summary"]
    put("queue_performance", back(1), [queue_row(back(1), offered=10)], QUEUE_PERFORMANCE)
    assert report().metadata["days_to_compute_again"] == []


def test_only_what_the_report_needs_is_looked_for(environment, put, monkeypatch, capfd):
    org = GenesysCloud.from_environment(start="2020-01-01")
    last = datetime.now(UTC).date() - timedelta(days=2)
    put("queue_performance", last, [queue_row(last, offered=10)], QUEUE_PERFORMANCE)
    put("agent_performance", last, [agent_row(last, handled=3, handle_seconds=90)], AGENT_PERFORMANCE)
    looked_for = []
    load = S3ParquetIOManager.load_input
    monkeypatch.setattr(
        S3ParquetIOManager,
        "load_input",
        lambda self, context: looked_for.extend(context.asset_partition_keys) or load(self, context),
    )
    with dg.build_asset_context(resources=resources_of()) as context:
        made = report_of(org)(context)
    assert made.metadata["days_present"].value == 1
    assert "Left out" not in "".join(capfd.readouterr())  # days that are not there yet are nothing to warn of
    assert len(looked_for) < 300 < len(org.days.partitions.get_partition_keys()) / 5


def test_the_same_figures_give_the_same_bytes(days, report):
    assert report().metadata["sha256"] == report().metadata["sha256"]


def test_prefix_and_bucket_can_be_set(days, report, lake):
    assert report(bucket=lake.bucket, prefix="shared/pages").success
    assert lake.client.head_object(Bucket=lake.bucket, Key="shared/pages/contact_center_report/report.html")


def test_a_lake_without_any_day_is_told_in_one_message(report, lake):
    outcome = report()
    assert not outcome.success
    assert "queue_performance" in outcome.failure
    assert lake.keys() == []


def test_an_unknown_bucket_is_named_and_not_tried_again(environment):
    pages = S3PageIOManager(s3=S3Resource(), bucket="no-such-bucket")
    context = dg.build_output_context(asset_key=contact_center_report.key)
    with pytest.raises(dg.Failure, match="no-such-bucket") as refused:
        pages.handle_output(context, "<html>")
    assert not refused.value.allow_retries


def test_a_missing_bucket_variable_is_named(days, report, environment):
    environment.setenv("GENESYS_S3_BUCKET", "")
    assert "GENESYS_S3_BUCKET" in report().failure


def test_on_aws_the_link_leads_to_the_console_and_carries_no_secret():
    client = S3Resource(
        region_name="eu-central-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="s"
    ).get_client()
    assert _address(client, "lake", KEY) == (
        "https://eu-central-1.console.aws.amazon.com/s3/object/lake?region=eu-central-1"
        "&prefix=genesys%2Fcontact_center_report%2Freport.html"
    )


def test_a_run_of_one_day_can_make_the_report_as_well(report, put, lake):
    put("session_metrics", LAST, [metric("nOffered", day=LAST)], SESSION_METRICS)
    for name in ("queues", "users"):
        body = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist([], schema=ENTITIES[name].schema), body)
        lake.client.put_object(
            Bucket=lake.bucket, Key=f"genesys/{name}/data.parquet", Body=body.getvalue().to_pybytes()
        )
    stubs = [
        dg.AssetSpec("session_metrics", partitions_def=ALL_DAYS),
        dg.AssetSpec("late_activity", partitions_def=ALL_DAYS),
        dg.AssetSpec("queues"),
        dg.AssetSpec("users"),
    ]
    made = [queue_performance, agent_performance, contact_center_report]
    result = dg.materialize(
        [*(stub.with_io_manager_key("s3_parquet_io_manager") for stub in stubs), *made],
        selection=made,
        partition_key=str(LAST),
        resources=resources_of(s3_page_io_manager=S3PageIOManager(s3=S3Resource())),
    )
    assert result.success
    body = lake.client.get_object(Bucket=lake.bucket, Key=KEY)["Body"].read().decode()
    assert "1 a day" in body


def test_the_page_can_be_an_input_of_another_asset(days, report, environment, lake):
    assert report().success

    @dg.asset
    def length(contact_center_report: str) -> int:
        return len(contact_center_report)

    result = dg.materialize(
        [dg.AssetSpec("contact_center_report").with_io_manager_key("s3_page_io_manager"), length],
        selection=[length],
        resources={"s3_page_io_manager": S3PageIOManager(s3=S3Resource())},
    )
    body = lake.client.get_object(Bucket=lake.bucket, Key=KEY)["Body"].read()
    assert result.output_for_node("length") == len(body.decode())


def test_the_report_follows_any_day_and_waits_for_no_other():
    instance = dg.DagsterInstance.ephemeral()
    definitions = dg.Definitions(
        assets=[
            dg.AssetSpec(queue_performance.key, partitions_def=PARTITIONS),
            dg.AssetSpec(agent_performance.key, partitions_def=PARTITIONS),
            contact_center_report,
        ],
        resources={"s3_page_io_manager": dg.mem_io_manager, "s3_parquet_io_manager": dg.mem_io_manager},
    )
    first = dg.evaluate_automation_conditions(definitions, instance)
    assert first.total_requested == 0
    instance.report_runless_asset_event(dg.AssetMaterialization(queue_performance.key, partition=str(LAST)))
    second = dg.evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
    assert second.get_num_requested(contact_center_report.key) == 1
    third = dg.evaluate_automation_conditions(definitions, instance, cursor=second.cursor)
    assert third.total_requested == 0
