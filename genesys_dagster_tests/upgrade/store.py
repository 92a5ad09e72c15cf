"""Writes an instance and a lake as the version that is installed leaves them, for `test_upgrade.py` of later ones.

`make upgrade-sample`, or `python -m genesys_dagster_tests.upgrade.store FILE.tar.xz` with the code of the version in
question on the path. Two days pulled from bulk jobs, conversations and user status, a sweep that found something in the
first, tables and figures of both; jobs that a run which died has left; sensors that have ticked; and what S3 knows of each
object besides its bytes.
"""

import json
import logging
import os
import shutil
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
DAYS = ("2026-05-11", "2026-05-12")
ORG = {"seed": 5, "conversations_per_day": 12, "now": lambda: NOW}
STATUS_SENSORS = ("export_user_status", "update_user_status", "check_user_status")
SENSORS = ("export_new_days", "refresh_days", "update_from_late_activity", "check_days", *STATUS_SENSORS)
STATUS = ("user_presence", "user_routing_status", "late_user_status")
ASSETS = ("conversation_details", "late_activity", "conversations", "session_metrics", *STATUS)
LEFT = {"export": "job-of-a-dead-run", "user_status": "status-job-of-a-dead-run"}
"""Jobs of the second day, by what for."""
OBJECTS = "objects.json"


def main(target: str) -> None:
    with tempfile.TemporaryDirectory() as folder, SandboxServer(Org(**ORG)) as sandbox, S3Server() as s3:
        home, lake = Path(folder, "dagster"), Path(folder, "lake")
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        variables = {"GENESYS_S3_BUCKET": s3.bucket, "DAGSTER_HOME": str(home), **sandbox.env(), **s3.env()}
        os.environ.update(variables)
        cursors = _live()
        (home / "cursors.json").write_text(json.dumps(cursors))
        (home / OBJECTS).write_text(json.dumps(_copy(s3, lake)))
        with tarfile.open(target, "w:xz") as archive:
            shutil.rmtree(home / "storage", ignore_errors=True)
            for path in (home, lake):
                archive.add(path, path.name)


def _live():
    import dagster as dg

    from genesys_dagster.automation import knowledge
    from genesys_dagster.definitions import defs

    knowledge.now = lambda: NOW
    logging.disable(logging.CRITICAL)
    repository = defs.get_repository_def()
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        for day in DAYS:
            keys = [dg.AssetKey(name) for name in ASSETS]
            assert job.execute_in_process(instance=instance, partition_key=day, asset_selection=keys).success
        cursors = {}
        for name in SENSORS:
            sensor = repository.get_sensor_def(name)
            resources = {"genesys": defs.resources["genesys"]} if sensor.required_resource_keys else {}
            with dg.build_sensor_context(
                instance=instance, resources=resources, repository_def=repository, sensor_name=name
            ) as context:
                cursors[name] = sensor.evaluate_tick(context).cursor
        _die_on_the_way(instance)
    return cursors


def _die_on_the_way(instance):
    """Leave jobs as a run that was killed does: noted in the instance, waiting in Genesys Cloud."""
    from genesys_dagster.cloud import GenesysCloud
    from genesys_dagster.memory.job_ledger import InstanceLedger

    org = GenesysCloud.from_environment()
    for kind, job in LEFT.items():
        window = org.days.window(DAYS[-1])
        ledger = InstanceLedger(instance, org, "gone", window, kind=kind, now=NOW.timestamp)
        ledger.note("question", job, NOW)


def _copy(s3, lake):
    import boto3

    client, known = boto3.Session().client("s3"), {}
    for entry in client.list_objects_v2(Bucket=s3.bucket)["Contents"]:
        path = lake / entry["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(s3.bucket, entry["Key"], str(path))
        known[entry["Key"]] = client.head_object(Bucket=s3.bucket, Key=entry["Key"])["Metadata"]
    return known


if __name__ == "__main__":
    main(*sys.argv[1:] or [str(Path(__file__).with_name(f"{version('genesys-dagster')}.tar.xz"))])
