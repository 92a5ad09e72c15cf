"""What lies in the lake is never replaced by something worse, whatever the org answers now."""

from datetime import datetime, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.api.selection import Selector
from genesys_dagster_tests.conftest import DAY, NOW, Outcome
from genesys_dagster_tests.default_org import conversation_details, resources_of


@pytest.fixture
def shrink(monkeypatch):
    """Lets the org answer only some of its conversations from now on: a division was taken, or they were deleted."""
    whole = Selector.rows
    places = {}

    def keep(wanted):
        def rows(selector, query, as_of):
            found = whole(selector, query, as_of)
            for row in found:
                places.setdefault(row.conversation_id, len(places))
            return [row for row in found if wanted(places[row.conversation_id])]

        monkeypatch.setattr(Selector, "rows", rows)

    return keep


def as_parquet(table):
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def stored(export, lake):
    """A day as it came from the bulk job."""
    assert export().metadata["source"] == "job"
    return lake.bytes()


def accepted(**config):
    """A run from the launchpad."""
    result = dg.materialize(
        [conversation_details],
        partition_key=str(DAY),
        resources=resources_of(genesys=GenesysResource()),
        run_config={"ops": {"conversation_details": {"config": config}}},
        raise_on_error=False,
    )
    return Outcome(result)


@pytest.mark.parametrize("share", [1, 2, 30])
def test_a_day_that_shrank_is_refused_without_a_retry_and_told(export, stored, lake, shrink, share):
    shrink(lambda place: place % (share + 1) == 0)
    outcome = export()
    assert not outcome.success
    assert not outcome.was_retried
    assert "stored conversations are gone" in outcome.failure
    assert "division" in outcome.failure
    assert "accept_loss" in outcome.failure
    assert lake.bytes() == stored
    assert lake.uploads() == []


def test_a_day_that_the_retention_deleted_is_not_replaced_by_an_empty_one(export, stored, lake, shrink):
    shrink(lambda _: False)
    assert "all of the" in export().failure
    assert lake.bytes() == stored


def test_a_few_deletions_pass_and_are_reported(export, stored, lake, shrink):
    shrink(lambda place: place >= 10)
    outcome = export()
    assert outcome.metadata["rows_removed"] == 10
    assert "accepted" not in outcome.metadata
    assert lake.bytes() != stored


def test_what_somebody_accepts_is_committed_once_and_stands_in_the_metadata(stored, lake, shrink):
    shrink(lambda place: place % 2)
    outcome = accepted(accept_loss=True)
    assert "stored conversations are gone" in outcome.metadata["accepted"]
    assert lake.table().num_rows == outcome.metadata["dagster/partition_row_count"]


def test_a_loss_is_accepted_for_one_day_only(environment, lake):
    result = dg.materialize(
        [conversation_details],
        tags={
            "dagster/asset_partition_range_start": str(DAY - timedelta(days=1)),
            "dagster/asset_partition_range_end": str(DAY),
        },
        resources=resources_of(genesys=GenesysResource()),
        run_config={"ops": {"conversation_details": {"config": {"accept_loss": True}}}},
        raise_on_error=False,
    )
    assert "one day" in Outcome(result).failure
    assert lake.keys() == []


def test_how_much_passes_as_deletions_is_configured_by_variables_too(
    export, stored, lake, shrink, environment
):
    environment.setenv("GENESYS_DELETIONS_ALLOWED", "0")
    environment.setenv("GENESYS_DELETIONS_ALLOWED_PERCENT", "0")
    shrink(lambda place: place)
    assert "1 of the" in export().failure
    environment.setenv("GENESYS_DELETIONS_ALLOWED", "many")
    assert "GENESYS_DELETIONS_ALLOWED" in export().failure


def test_the_query_never_replaces_what_the_job_brought(export, stored, lake, sandbox):
    asked = len(sandbox.requests)
    assert "interactive query" in export(source="query").failure
    assert len(sandbox.requests) == asked
    assert lake.bytes() == stored


def test_auto_waits_rather_than_to_replace_the_job_by_the_query(export, stored, lake, sandbox):
    sandbox.settings.availability = NOW.replace(day=12, hour=23)
    outcome = export()
    assert not outcome.success
    assert outcome.was_retried
    assert lake.bytes() == stored


def test_an_object_that_does_not_say_its_source_has_that_of_its_materialization(environment, lake, sandbox):
    days = {"partition_key": str(DAY), "raise_on_error": False}
    with dg.DagsterInstance.ephemeral() as instance:
        resources = resources_of()
        assert dg.materialize([conversation_details], instance=instance, resources=resources, **days).success
        table = lake.table()
        lake.put(DAY, as_parquet(table))  # as written by a version that did not know facts
        before = lake.bytes()
        resources = resources_of(genesys=GenesysResource(source="query"))
        result = dg.materialize([conversation_details], instance=instance, resources=resources, **days)
    assert "interactive query" in Outcome(result).failure
    assert lake.bytes() == before


def test_a_change_of_the_time_zone_compares_only_what_belongs_to_both_days(export, stored, lake):
    outcome = export(org=GenesysCloud.from_environment(timezone="Europe/Berlin"))
    assert outcome.success
    assert outcome.metadata["rows_removed"] == 0


def test_a_shortfall_is_asked_about_again_and_then_marked(export, lake, sandbox, monkeypatch):
    from genesys_dagster.genesys import query

    real = query.InteractiveQuery.count

    async def more(self, interval, **options):
        return (await real(self, interval, **options)) + 20

    monkeypatch.setattr(query.InteractiveQuery, "count", more)
    outcome = export(source="job")
    assert outcome.was_retried
    assert outcome.metadata["announced_missing"] == 20
    assert lake.table().num_rows == outcome.metadata["dagster/partition_row_count"]


def test_what_a_range_run_wrote_before_it_failed_is_recorded(environment, lake, sandbox):
    days = [DAY - timedelta(days=1), DAY]
    lake.put(DAY, b"the version before")
    with dg.DagsterInstance.ephemeral() as instance:
        sandbox.settings.availability = datetime.combine(
            DAY, NOW.timetz()
        )  # the first day is there, the second is not
        result = dg.materialize(
            [conversation_details],
            tags={
                "dagster/asset_partition_range_start": str(days[0]),
                "dagster/asset_partition_range_end": str(days[1]),
            },
            instance=instance,
            resources=resources_of(genesys=GenesysResource(source="job")),
            raise_on_error=False,
        )
        assert not result.success
        assert instance.get_materialized_partitions(conversation_details.key) == {str(days[0])}
        (record,) = instance.fetch_materializations(conversation_details.key, limit=1).records
    said = record.asset_materialization.metadata
    assert said["dagster/partition_row_count"].value == lake.table(days[0]).num_rows
    assert said["source"].value == "job"
    assert lake.bytes(DAY) == b"the version before"


def test_a_day_whose_object_was_lost_is_there_again_although_the_instance_remembers_it(environment, lake):
    """docs/operations.md, "The bucket is lost"."""
    resources = resources_of(genesys=GenesysResource())
    with dg.DagsterInstance.ephemeral() as instance:
        run = {"partition_key": str(DAY), "resources": resources, "instance": instance}
        assert dg.materialize([conversation_details], **run).success
        before = lake.table()
        lake.clear()
        assert dg.materialize([conversation_details], **run).success
    assert lake.table().equals(before)
