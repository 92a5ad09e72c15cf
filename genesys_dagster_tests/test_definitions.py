"""What a Dagster process sees when it loads the code location."""

from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.definitions import build_definitions, defs
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.default_org import PARTITIONS


def asset():
    return defs.resolve_asset_graph().get(dg.AssetKey("conversation_details"))


def test_the_definitions_load_without_any_variable():
    dg.Definitions.validate_loadable(build_definitions())


def test_the_asset_says_what_it_is():
    assert asset().group_name == "genesys_cloud"
    assert asset().kinds == {"python", "s3", "parquet"}
    assert asset().owners
    assert asset().pools == {"genesys_api"}
    assert asset().code_version
    assert "conversationId" in asset().description


def test_resources_can_be_replaced():
    genesys = GenesysResource(region="eu-central-1")
    assert build_definitions(genesys=genesys).resources["genesys"] is genesys


def test_a_resource_whose_name_is_misspelt_is_refused():
    with pytest.raises(TypeError, match="genesis"):
        build_definitions(genesis=GenesysResource())


def test_further_resources_stand_beside_ours_and_do_not_replace_them():
    assert build_definitions(resources={"mine": 1}).resources["mine"] == 1
    with pytest.raises(dg.DagsterInvariantViolationError, match="'genesys'"):
        build_definitions(resources={"genesys": GenesysResource()})


def test_every_setting_of_the_resource_is_described():
    for name, field in GenesysResource.model_fields.items():
        assert len((field.description or "").split()) > 3, name


def test_partitions_start_and_time_zone_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("GENESYS_PARTITIONS_START", "2024-03-09")
    monkeypatch.setenv("GENESYS_TIMEZONE", "America/New_York")
    days = GenesysCloud.from_environment().days
    assert days.partitions.get_first_partition_key() == "2024-03-09"
    assert (days.end_of("2024-03-10") - days.start_of("2024-03-10")) / timedelta(
        hours=1
    ) == 23  # clocks went forward


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("", None),
        ("1", None),
        ("7", dg.BackfillPolicy.multi_run(7)),
        ("all", dg.BackfillPolicy.single_run()),
        ("ALL", dg.BackfillPolicy.single_run()),
    ],
)
def test_every_asset_that_has_days_takes_as_many_of_them_in_a_run_as_configured(monkeypatch, value, policy):
    monkeypatch.setenv("GENESYS_DAYS_PER_RUN", value)
    graph = build_definitions().resolve_asset_graph()
    daily = {key for key in graph.materializable_asset_keys if graph.get(key).partitions_def == PARTITIONS}
    assert len(daily) == 17
    for key in graph.materializable_asset_keys:
        assert graph.get(key).backfill_policy == (policy if key in daily else None)


def test_a_secret_never_stands_in_a_repr():
    resource = GenesysResource(client_id="id", client_secret="hush")
    assert "hush" not in repr(resource.settings())
