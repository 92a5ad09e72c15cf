"""Instances and lakes of versions before go on as they are, also after Dagster has migrated the instance."""

import json
import subprocess
import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.sql import get_alembic_config, run_alembic_downgrade

from genesys_dagster.assets.terms import said_of, window_of
from genesys_dagster.automation import knowledge
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake.stored import stored_version
from genesys_dagster.lake.version import WRITE_ID, current_version
from genesys_dagster.memory.job_ledger import Place, entries
from genesys_dagster.memory.notes import CARE_SINCE, recall
from genesys_dagster.memory.pulls import USER_STATUS, latest_pulls, sweeps_naming
from genesys_dagster.memory.wanted import board
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.default_org import schedules, sensors
from genesys_dagster_tests.upgrade.store import DAYS, LEFT, NOW, OBJECTS, ORG, STATUS, STATUS_SENSORS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("upgrade"),
]  # what is made once, is made by one process

FIRST, LATEST = "module_level", "0.1.0"
"""Samples by the versions that made them: before `GenesysCloud`, and the last one, which knows user status."""
LATER = NOW + timedelta(hours=2)
# As Dagster 1.8 left it. Nothing has changed between 1.13.0 and 1.13.27, which are what this version allows.
OLD_SCHEMA = "284a732df317"


@pytest.fixture(scope="module")
def genesys_server():
    with SandboxServer(Org(**ORG)) as server:
        yield server


@pytest.fixture(params=[FIRST, LATEST])
def sample(request):
    return request.param


@pytest.fixture
def org(environment, lake, genesys_server, tmp_path, monkeypatch, sample):
    """The default org, whose instance and lake are those that were stored."""
    genesys_server.reset()
    for name, value in genesys_server.env().items():
        environment.setenv(name, value)
    with tarfile.open(Path(__file__).with_name(f"{sample}.tar.xz")) as archive:
        archive.extractall(tmp_path, filter="data")
    objects = tmp_path / "dagster" / OBJECTS
    known = json.loads(objects.read_text()) if objects.exists() else {}
    for path in (tmp_path / "lake").rglob("*.parquet"):
        key = path.relative_to(tmp_path / "lake").as_posix()
        lake.client.put_object(
            Bucket=lake.bucket, Key=key, Body=path.read_bytes(), Metadata=known.get(key, {})
        )
    environment.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(knowledge, "now", lambda: LATER)
    return GenesysCloud.from_environment()


@pytest.fixture
def instance(org):
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def tick(org, tmp_path):
    """The next tick of a sensor, from the cursor that its last one left; returns the days that are requested."""
    cursors = json.loads((tmp_path / "dagster" / "cursors.json").read_text())

    def tick(name, instance):
        resources = {"genesys": GenesysResource()}
        with dg.build_sensor_context(instance=instance, cursor=cursors[name], resources=resources) as context:
            return [
                request.partition_key for request in sensors(org)[name]._raw_fn(context).run_requests or []
            ]

    return tick


def test_what_was_pulled_and_swept_is_known(org, instance):
    require_known(org, instance)


def require_known(org, instance):
    pulls = latest_pulls(instance, org, DAYS)
    assert sorted(pulls) == list(DAYS)
    assert all(pull.is_complete for pull in pulls.values())
    assert recall(instance, org, CARE_SINCE) == {CARE_SINCE: "2026-05-11"}
    assert sweeps_naming(instance, org, "2026-05-08", datetime(2026, 5, 9, tzinfo=UTC))


def test_sensors_go_on_from_their_cursors_and_request_nothing_twice(tick, instance):
    require_going_on(tick, instance)


def require_going_on(tick, instance):
    assert tick("export_new_days", instance) == ["2026-05-13"]
    assert tick("refresh_days", instance) == []
    assert tick("update_from_late_activity", instance) == []
    assert tick("check_days", instance) == []


@pytest.mark.parametrize("sample", [LATEST], indirect=True)
def test_user_status_goes_on_too(org, tick, instance):
    pulls = latest_pulls(instance, org, DAYS, USER_STATUS.pulled)
    assert sorted(pulls) == list(DAYS)
    assert all(pull.is_complete for pull in pulls.values())
    assert [tick(name, instance) for name in STATUS_SENSORS] == [[], [], []]


@pytest.mark.parametrize("sample", [LATEST], indirect=True)
def test_the_list_of_what_is_wanted_can_be_read(org, instance):
    (line,) = board.lines(instance, org)
    assert (line.day, line.kind, line.tries) == ("2026-05-13", "new day", 0)


@pytest.mark.parametrize("sample", [LATEST], indirect=True)
def test_what_objects_say_of_themselves_is_understood(org, lake):
    for day in DAYS:
        key = f"genesys/conversation_details/date={day}/data.parquet"
        stored = stored_version(lake.client, lake.bucket, key, CONVERSATION_SCHEMA)
        assert stored.has_schema()
        assert window_of(stored.facts) == org.days.window(day)
        assert said_of(stored.facts) == {"source": "job", "announced_missing": 0}
        metadata = lake.client.head_object(Bucket=lake.bucket, Key=key)["Metadata"]
        assert current_version(lake.client, lake.bucket, key).write_id == metadata[WRITE_ID]


def test_days_of_before_are_brought_up_to_date_and_pulled_again_without_a_loss(org, instance, lake):
    before = {day: lake.table(day) for day in DAYS}
    for name in ("update", "export"):
        made = made_by(org, instance, f"{name}_conversation_details")["conversation_details"]
        assert made.metadata["rows_removed"].value == 0
        assert lake.table(DAYS[0]).num_rows == before[DAYS[0]].num_rows
        assert lake.table(DAYS[0]).schema == before[DAYS[0]].schema
    assert lake.table(DAYS[1]).equals(before[DAYS[1]])


@pytest.mark.parametrize("sample", [LATEST], indirect=True)
def test_days_of_user_status_are_brought_up_to_date_and_pulled_again_without_a_loss(org, instance, lake):
    before = {name: lake.table_of(name, DAYS[0]) for name in STATUS}
    for job in ("update_user_status", "export_user_status"):
        for name, made in made_by(org, instance, job).items():
            assert made.metadata["rows_removed"].value == 0
            assert lake.table_of(name, DAYS[0]).num_rows == before[name].num_rows
            assert lake.table_of(name, DAYS[0]).schema == before[name].schema


def made_by(org, instance, job):
    """What a job of the org makes of the first day, by the assets' names."""
    result = (
        org.definitions().resolve_job_def(job).execute_in_process(instance=instance, partition_key=DAYS[0])
    )
    names = {key: name for name, key in org.keys.items()}
    return {
        names[event.asset_key]: event.materialization for event in result.get_asset_materialization_events()
    }


def test_jobs_of_a_dead_run_are_still_known_and_deleted_at_night(org, instance, genesys_server, sample):
    window = org.days.window(DAYS[1])
    left = {Place(window, kind): job for kind, job in LEFT.items() if sample != FIRST or kind == "export"}
    noted = {place: entry.jobs["question"].job_id for place, entry in entries(instance, org, left).items()}
    assert noted == left
    job = schedules(org)["delete_orphaned_jobs_daily"].job
    assert job.execute_in_process(instance=instance, resources={"genesys": GenesysResource()}).success
    assert entries(instance, org, left) == {}
    deleted = {request.path.rpartition("/")[2] for request in genesys_server.requests}
    assert set(left.values()) <= deleted


def test_the_names_that_the_instance_remembers_are_still_there(org, instance):
    repository = org.definitions().get_repository_def()
    names = {each.name for each in (*repository.sensor_defs, *repository.schedule_defs)}
    assert {
        "export_new_days", "refresh_days", "sweep_late_activity_daily", "update_from_late_activity", "check_days",
        "export_user_status", "update_user_status", "check_user_status",
        "follow_upstream", "export_yesterday", "export_yesterday_provisionally", "require_yesterday_at_deadline",
        "abort_stale_uploads_daily", "delete_orphaned_jobs_daily",
    } <= names  # fmt: skip
    assert set(instance.all_asset_keys()) <= set(org.definitions().resolve_all_asset_keys())


@pytest.mark.parametrize("sample", [LATEST], indirect=True)
def test_an_instance_of_an_older_dagster_is_migrated_and_goes_on(org, tick, tmp_path):
    home = tmp_path / "dagster"
    for database in ("history/runs.db", "history/runs/index.db", "schedules/schedules.db"):
        make_older(home / database)
    migration = [sys.executable, "-m", "dagster", "instance", "migrate"]
    done = subprocess.run(migration, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with dg.DagsterInstance.get() as instance:
        versions = {
            storage.alembic_version()
            for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        }
        ((now, newest),) = versions
        assert now == newest != OLD_SCHEMA
        require_known(org, instance)
        require_going_on(tick, instance)


def make_older(database):
    """Take back what Dagster's migrations since have made of a database, by Dagster's own way back."""
    config = get_alembic_config(sqlite_run_storage.__file__)
    with sqlalchemy.create_engine(f"sqlite:///{database}").connect() as connection:
        run_alembic_downgrade(config, connection, OLD_SCHEMA)
        connection.commit()
        (version,) = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalars()
    assert version == OLD_SCHEMA
