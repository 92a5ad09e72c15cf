"""The graph of all assets: what stands at its head, and that all of it hangs together."""

from datetime import date

import dagster as dg
import pytest

from genesys_dagster.definitions import defs
from genesys_dagster.demo.plan import plan
from genesys_dagster.genesys.reference import LISTINGS
from genesys_dagster.memory.pulls import CONVERSATIONS, USER_STATUS

HEAD = dg.AssetKey("genesys_cloud")
BY_DAY = {dg.AssetKey(name) for family in (CONVERSATIONS, USER_STATUS) for name in family.writes}
SOURCES = BY_DAY | {dg.AssetKey(name) for name in LISTINGS}


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def test_genesys_cloud_is_the_head_of_the_graph_and_the_only_one(graph):
    assert {key for key in graph.get_all_asset_keys() if not graph.get(key).parent_keys} == {HEAD}
    assert graph.external_asset_keys == {HEAD}


def test_every_source_asset_hangs_on_it_and_nothing_else_does(graph):
    assert graph.get(HEAD).child_keys == SOURCES


def test_it_says_what_it_is(graph):
    head = graph.get(HEAD)
    assert head.group_name == "genesys_cloud"
    assert head.owners
    assert head.kinds
    assert "Platform API" in head.description
    assert head.metadata["conversation_details"].url.startswith("https://developer.genesys.cloud/")


def test_everything_else_is_materialized_here(graph):
    assert graph.materializable_asset_keys == graph.get_all_asset_keys() - {HEAD}


def test_sensors_request_what_comes_by_day_from_genesys_cloud_conditions_all_else(graph):
    conditions = {key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition}
    assert conditions == graph.materializable_asset_keys - BY_DAY


def test_the_demo_materializes_all_but_the_head_each_after_what_it_is_made_of(graph):
    runs = plan(graph, [date(2026, 11, day) for day in range(9, 16)])
    done = set()
    for run in runs:
        done |= set(run.assets)
        for key in run.assets:
            assert graph.get(key).parent_keys <= done | {HEAD}, key
    assert done == graph.materializable_asset_keys
