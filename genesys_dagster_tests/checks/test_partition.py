"""The checks of a day as its users see them in Dagster."""

from datetime import timedelta

import dagster as dg
import pyarrow as pa

from genesys_dagster.records.select import Selection
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import ASSET_KEY as ASSET
from genesys_dagster_tests.default_org import CHECKS, PARTITIONS

BLOCKING = {"completeness", "schema", "unique_ids", "window"}
ALL = sorted(key.name for check in CHECKS.conversation_details for key in check.check_keys)


def test_a_day_as_the_org_holds_it_passes_every_check_and_no_personal_data_is_said(pulled, sandbox):
    checked = pulled.check()
    assert checked.success
    assert {name: checked.verdict(name) for name in checked} == dict.fromkeys(ALL, "passed")
    assert all(checked[name].partition == str(DAY) for name in ALL)
    said = " ".join(f"{checked[name].description} {checked.figures(name)}" for name in checked)
    for record in sandbox.org.day(DAY)[:100]:
        for participant in record["participants"]:
            for session in participant["sessions"]:
                assert not session.get("ani") or session["ani"] not in said
                assert not session.get("remote") or session["remote"] not in said


def test_every_check_belongs_to_the_partitioned_asset_and_says_what_must_hold():
    for check in CHECKS.conversation_details:
        for spec in check.check_specs:
            assert spec.asset_key == ASSET
            assert spec.partitions_def is PARTITIONS
            assert len(spec.description) > 40
            assert spec.blocking == (spec.name in BLOCKING)


def test_an_object_of_an_older_version_fails_by_field(pulled):
    pulled.change(lambda table: table.drop_columns(["unknownFields", "selfServed"]))
    checked = pulled.check("schema", "unknown_fields")
    assert not checked.success
    assert checked.verdict("schema") == "ERROR"
    assert set(checked.figures("schema")["differences"]) == {"unknownFields", "selfServed"}
    assert checked.verdict("unknown_fields") == "WARN"


def test_before_the_first_snapshot_of_queues_the_first_day_is_green(pulled, lake):
    pulled.instance = dg.DagsterInstance.ephemeral()  # one in which queues was never materialized
    checked = pulled.check("queue_names")
    assert checked.success
    assert checked.verdict("queue_names") == "passed"
    assert "No snapshot yet" in checked["queue_names"].description


def test_a_snapshot_of_queues_that_cannot_be_read_does_not_fail_the_day(pulled, lake):
    lake.client.delete_object(Bucket=lake.bucket, Key="genesys/queues/data.parquet")
    checked = pulled.check("queue_names", "unique_ids")
    assert checked.success
    assert (checked.verdict("queue_names"), checked.verdict("unique_ids")) == ("WARN", "passed")


def test_a_failed_blocking_check_keeps_downstream_assets_from_being_made(partitions, monkeypatch):
    made = []

    @dg.asset(deps=["conversation_details"], partitions_def=PARTITIONS)
    def downstream() -> None:
        made.append(True)

    assert partitions.pull_and_check(others=[downstream]).success
    assert made == [True]
    monkeypatch.setattr(Selection, "keep", lambda self, rows: pa.concat_batches([rows, rows]))
    checked = partitions.pull_and_check(others=[downstream])
    assert not checked.success
    assert checked.verdict("unique_ids") == "ERROR"
    assert made == [True]


def test_a_run_over_several_days_says_how_each_day_is(partitions):
    days = [DAY - timedelta(days=1), DAY]
    partitions.pull(*days)
    partitions.change(lambda table: pa.concat_tables([table, table]), DAY)
    checked = partitions.check("unique_ids", "completeness", "volume", days=days)
    assert checked.verdict("completeness") == checked.verdict("volume") == "passed"
    assert checked.verdict("unique_ids") == "ERROR"
    rows = [record.data for record in checked["unique_ids"].metadata["partitions"].records]
    assert [(row["partition"], row["passed"]) for row in rows] == [
        (str(days[0]), True),
        (str(days[1]), False),
    ]


def results_of(instance, name, day):
    """The latest result of a check of a day, as the UI and downstream look it up."""
    key = dg.AssetCheckKey(ASSET, name)
    (info,) = instance.event_log_storage.get_asset_check_partition_info([key], partition_keys=[str(day)])
    return info


def test_each_day_of_a_run_over_several_has_results_of_its_own_for_what_lies_there(partitions):
    days = [DAY - timedelta(days=1), DAY]
    for _ in range(2):  # a second run must not stumble over what the first reported
        partitions.pull(*days)
        partitions.change(lambda table: pa.concat_tables([table, table]), DAY)
        partitions.check("unique_ids", "completeness", "volume", days=days)
    for day in days:
        for name in ("unique_ids", "completeness", "volume"):
            found = results_of(partitions.instance, name, day)
            fails = (name, day) == ("unique_ids", DAY)
            assert found.latest_execution_status.value == ("FAILED" if fails else "SUCCEEDED")
            assert found.is_current
    partitions.pull(DAY)
    assert not results_of(partitions.instance, "unique_ids", DAY).is_current
