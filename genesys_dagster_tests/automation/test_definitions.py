"""Everything that runs by itself loads with the code location, is described, and is off until switched on."""

import dagster as dg
import pytest

from genesys_dagster.definitions import build_definitions


@pytest.fixture(scope="module")
def repository():
    defs = build_definitions()
    dg.Definitions.validate_loadable(defs)
    return defs.get_repository_def()


def test_everything_says_what_it_does(repository):
    for definition in (*repository.schedule_defs, *repository.sensor_defs):
        assert len(definition.description) > 15, definition.name
    for name in ("export_conversation_details", "sweep_late_activity", "require_yesterday"):
        assert repository.get_job(name).description


def test_no_job_asks_genesys_cloud_for_what_it_was_just_told(repository):
    steps = {
        name: {node.name for node in repository.get_job(f"{name}_conversation_details").nodes}
        for name in ("export", "update")
    }
    asking = {"conversation_details_total_hits", "conversation_details_reconciliation"}
    assert steps["export"] & asking == {"conversation_details_reconciliation"}
    assert steps["update"] & asking == set()
    assert {"conversation_details", "conversation_details_contents"} <= steps["export"] & steps["update"]


def test_the_watermark_sensor_and_the_schedule_are_both_there(repository):
    assert repository.has_sensor_def("export_new_days")
    assert repository.has_schedule_def("export_yesterday")
    assert repository.has_schedule_def("export_yesterday_provisionally")


def test_nothing_runs_by_itself_unless_switched_on(repository):
    statuses = [each.default_status.value for each in (*repository.schedule_defs, *repository.sensor_defs)]
    assert set(statuses) == {"STOPPED"}


def test_one_variable_switches_everything_on_but_the_alternatives(monkeypatch):
    monkeypatch.setenv("GENESYS_AUTOMATION", "on")
    repository = build_definitions().get_repository_def()
    everything = (*repository.schedule_defs, *repository.sensor_defs)
    off = [each.name for each in everything if each.default_status.value == "STOPPED"]
    assert off == ["export_yesterday", "export_yesterday_provisionally"]
