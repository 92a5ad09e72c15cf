"""What must hold of an instance that pulls from Genesys Cloud (`dagster.yaml`), and of the project's own settings."""

import shutil
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

PROJECT = Path(__file__).parent.parent
FILE = PROJECT / "dagster.yaml"


@pytest.fixture
def instance(tmp_path):
    shutil.copy(FILE, tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def test_a_run_that_was_killed_does_not_keep_its_place_in_the_pool(instance):
    assert instance.run_monitoring_enabled
    assert 0 < instance.run_monitoring_settings["free_slots_after_run_end_seconds"] <= 300


def test_a_run_that_was_killed_is_started_again_but_not_one_whose_step_failed(instance):
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries > 0
    assert not instance.run_retries_retry_on_asset_or_op_failure


def test_every_command_knows_the_code_location_by_the_same_name():
    """Runs that one command requests are carried out by the daemon of another, which finds their code by that name."""
    tools = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]
    (loaded,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text())["load_from"]
    assert {
        tools["dagster"]["code_location_name"],
        tools["dg"]["project"]["code_location_name"],
        loaded["python_module"]["location_name"],
    } == {"genesys_dagster"}
