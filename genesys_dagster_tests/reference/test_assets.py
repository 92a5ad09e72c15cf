"""Reference assets as their users know them: what the org lists stands in the lake; what is forbidden holds up nothing."""

import json

import dagster as dg
import pyarrow as pa
import pytest

from genesys_dagster.assets.reference import PERMITTED
from genesys_dagster.genesys.reference import LISTINGS
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster.sandbox import org_chart
from genesys_dagster.sandbox.agents_time.presences import Presences
from genesys_dagster_tests.default_org import REFERENCE

LATER = 2**60  # ms; what was deactivated is


def listed(sandbox, name):
    """What the org knows."""
    directory = sandbox.org.directory
    chart = {
        "flows": org_chart.flows,
        "groups": org_chart.groups,
        "teams": org_chart.teams,
        "presence_definitions": lambda directory: Presences(directory).entities(LATER),
    }
    return chart[name](directory) if name in chart else getattr(directory, name)


def evaluations(result):
    return {
        evaluation.asset_key.to_user_string(): evaluation
        for evaluation in result.get_asset_check_evaluations()
        if evaluation.check_name == PERMITTED
    }


def test_every_entity_of_every_listing_stands_in_the_lake(snapshots, sandbox):
    result = snapshots.materialize()
    assert result.success
    for name in LISTINGS:
        rows = {row["id"]: row for row in snapshots.table(name).to_pylist()}
        assert {key: row["name"] for key, row in rows.items()} == {
            entity["id"]: entity.get("name") for entity in listed(sandbox, name)
        }
        assert snapshots.table(name).schema.equals(ENTITIES[name].schema)
        assert snapshots.metadata(name)["dagster/row_count"] == len(rows)
    assert all(evaluation.passed for evaluation in evaluations(result).values())


def test_inactive_and_deleted_users_are_among_the_users(snapshots):
    snapshots.materialize("users")
    assert set(snapshots.table("users")["state"].to_pylist()) > {"active"}


def test_deleted_flows_are_among_the_flows(snapshots):
    snapshots.materialize("flows")
    assert True in snapshots.table("flows")["deleted"].to_pylist()


def test_no_contact_data_of_users_is_stored(snapshots, sandbox):
    snapshots.materialize("users")
    stored = json.dumps(snapshots.table("users").to_pylist(), ensure_ascii=False, default=str)
    assert "@" not in stored
    assert all(user["email"] not in stored for user in sandbox.org.directory.users)


def test_names_of_users_are_masked_in_the_preview(snapshots, sandbox):
    snapshots.materialize("users", "queues")
    assert not any(
        user["name"] in snapshots.metadata("users")["preview"] for user in sandbox.org.directory.users
    )
    assert "Customer Care" in snapshots.metadata("queues")["preview"]


def test_the_same_entities_in_another_order_give_the_same_data_version(snapshots, sandbox):
    def version():
        event = snapshots.instance.get_latest_materialization_event(dg.AssetKey("queues"))
        return event.asset_materialization.tags["dagster/data_version"]

    snapshots.materialize("queues")
    first = version()
    sandbox.org.directory.queues.reverse()
    try:
        snapshots.materialize("queues")
        assert version() == first
        sandbox.org.directory.queues[0]["name"] += " (old)"
        snapshots.materialize("queues")
        assert version() != first
    finally:
        sandbox.org.directory.queues[0]["name"] = sandbox.org.directory.queues[0]["name"].removesuffix(
            " (old)"
        )
        sandbox.org.directory.queues.reverse()


@pytest.fixture
def forbid(sandbox):
    granted = set(sandbox.settings.permissions)
    yield sandbox.settings.permissions.discard
    sandbox.settings.permissions.update(granted)


def test_a_missing_permission_skips_one_and_names_itself(snapshots, forbid):
    forbid("routing:queue:view")
    result = snapshots.materialize()
    assert result.success
    refused = [name for name, evaluation in evaluations(result).items() if not evaluation.passed]
    assert refused == ["queues"]
    evaluation = evaluations(result)["queues"]
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert "routing:queue:view" in evaluation.description
    assert snapshots.metadata("queues")["permission_missing"] == "routing:queue:view"
    assert snapshots.table("users").num_rows > 0


def test_a_listing_that_a_gateway_does_not_pass_on_is_left_out_like_a_forbidden_one(snapshots, sandbox):
    sandbox.faults.every(1, "404", path=LISTINGS["teams"].path)
    result = snapshots.materialize("teams", "users")
    assert result.success
    assert not evaluations(result)["teams"].passed
    assert snapshots.metadata("teams")["listing_missing"] == LISTINGS["teams"].path
    assert snapshots.table("teams").num_rows == 0
    assert snapshots.table("users").num_rows > 0


def test_half_of_the_listings_forbidden_still_leaves_tables_to_read(snapshots, forbid):
    for listing in LISTINGS.values():
        forbid(listing.permission)
    assert snapshots.materialize().success
    for name in LISTINGS:
        assert snapshots.table(name).schema.equals(ENTITIES[name].schema)
    assert snapshots.table("queues").num_rows == 0


def test_a_permission_that_was_taken_away_leaves_the_last_snapshot_untouched(snapshots, forbid):
    snapshots.materialize("queues")
    before = snapshots.table("queues")
    forbid("routing:queue:view")

    @dg.asset
    def reader(queues: pa.Table) -> int:
        return queues.num_rows

    result = snapshots.materialize("queues", others=[reader])
    assert result.success
    assert result.output_for_node("reader") == before.num_rows > 0
    assert snapshots.table("queues").equals(before)
    assert snapshots.metadata("queues")["snapshot_kept"] is True
    assert snapshots.metadata("queues")["dagster/row_count"] == before.num_rows


def test_another_error_fails_the_asset_with_one_message(snapshots, sandbox):
    sandbox.faults.fail_next(100, "500", path="/api/v2/routing/queues")
    result = snapshots.materialize("queues", max_attempts=1)
    assert not result.success
    (event, *_) = result.filter_events(lambda event: event.is_step_failure)
    assert "/api/v2/routing/queues" in event.step_failure_data.user_failure_data.description


def test_every_column_and_asset_is_documented():
    for asset in REFERENCE:
        (spec,) = asset.specs
        assert spec.description
        assert spec.owners
        assert spec.kinds
        assert spec.group_name == "reference"
        for field in ENTITIES[spec.key.to_user_string()].schema:
            assert field.metadata[b"description"].endswith(b".")
