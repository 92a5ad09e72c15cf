"""`dagster.yaml`, which users copy into their DAGSTER_HOME: what must hold of an instance that pulls from Genesys Cloud."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

FILE = Path(__file__).parent.parent / "dagster.yaml"


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
