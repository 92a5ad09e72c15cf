"""An instance and a lake of the version before `GenesysCloud` go on as they are."""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from genesys_dagster.automation import knowledge
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.memory.job_ledger import Place, entries
from genesys_dagster.memory.notes import CARE_SINCE, recall
from genesys_dagster.memory.pulls import latest_pulls, sweeps_naming
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.default_org import schedules, sensors
from genesys_dagster_tests.upgrade.store import DAYS, NOW, ORG

STORED = Path(__file__).with_name("module_level.tar.xz")
LATER = NOW + timedelta(hours=2)


@pytest.fixture(scope="module")
def genesys_server():
    with SandboxServer(Org(**ORG)) as server:
        yield server


@pytest.fixture
def org(environment, lake, genesys_server, tmp_path, monkeypatch):
    """The default org, whose instance and lake are those that were stored."""
    genesys_server.reset()
    for name, value in genesys_server.env().items():
        environment.setenv(name, value)
    with tarfile.open(STORED) as archive:
        archive.extractall(tmp_path, filter="data")
    for path in (tmp_path / "lake").rglob("*.parquet"):
        key = path.relative_to(tmp_path / "lake").as_posix()
        lake.client.put_object(Bucket=lake.bucket, Key=key, Body=path.read_bytes())
    environment.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(knowledge, "now", lambda: LATER)
    return GenesysCloud.from_environment()


@pytest.fixture
def instance(org):
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def tick(org, instance, tmp_path):
    """The next tick of a sensor, from the cursor that its last one left; returns the days that are requested."""
    cursors = json.loads((tmp_path / "dagster" / "cursors.json").read_text())

    def tick(name):
        resources = {"genesys": GenesysResource()}
        with dg.build_sensor_context(instance=instance, cursor=cursors[name], resources=resources) as context:
            return [
                request.partition_key for request in sensors(org)[name]._raw_fn(context).run_requests or []
            ]

    return tick


def test_what_was_pulled_and_swept_is_known(org, instance):
    pulls = latest_pulls(instance, org, DAYS)
    assert sorted(pulls) == list(DAYS)
    assert all(pull.is_complete for pull in pulls.values())
    assert recall(instance, org, CARE_SINCE) == {CARE_SINCE: "2026-05-11"}
    assert sweeps_naming(instance, org, "2026-05-08", datetime(2026, 5, 9, tzinfo=UTC))


def test_sensors_go_on_from_their_cursors_and_request_nothing_twice(tick):
    assert tick("export_new_days") == ["2026-05-13"]
    assert tick("refresh_days") == []
    assert tick("update_from_late_activity") == []
    assert tick("check_days") == []


def test_days_of_before_are_brought_up_to_date_and_pulled_again_without_a_loss(org, instance, lake):
    defs = org.definitions()
    before = {day: lake.table(day) for day in DAYS}
    for name in ("update", "export"):
        job = defs.resolve_job_def(f"{name}_conversation_details")
        result = job.execute_in_process(instance=instance, partition_key=DAYS[0])
        (made,) = [
            event.materialization
            for event in result.get_asset_materialization_events()
            if event.asset_key == org.key("conversation_details")
        ]
        assert made.metadata["rows_removed"].value == 0
        assert lake.table(DAYS[0]).num_rows == before[DAYS[0]].num_rows
        assert lake.table(DAYS[0]).schema == before[DAYS[0]].schema
    assert lake.table(DAYS[1]).equals(before[DAYS[1]])


def test_the_job_of_a_dead_run_is_still_known_and_deleted_at_night(org, instance, genesys_server):
    place = Place(org.days.window(DAYS[1]))
    assert entries(instance, org, [place])[place].jobs["question"].job_id == "job-of-a-dead-run"
    job = schedules(org)["delete_orphaned_jobs_daily"].job
    assert job.execute_in_process(instance=instance, resources={"genesys": GenesysResource()}).success
    assert entries(instance, org, [place]) == {}
    assert any(request.path.endswith("/job-of-a-dead-run") for request in genesys_server.requests)


def test_the_names_that_the_instance_remembers_are_still_there(org, instance):
    repository = org.definitions().get_repository_def()
    names = {each.name for each in (*repository.sensor_defs, *repository.schedule_defs)}
    assert {
        "export_new_days", "refresh_days", "sweep_late_activity_daily", "update_from_late_activity", "check_days",
        "follow_upstream", "export_yesterday", "export_yesterday_provisionally", "require_yesterday_at_deadline",
        "abort_stale_uploads_daily", "delete_orphaned_jobs_daily",
    } <= names  # fmt: skip
    assert set(instance.all_asset_keys()) <= set(org.definitions().resolve_all_asset_keys())
