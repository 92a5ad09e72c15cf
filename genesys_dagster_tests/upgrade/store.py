"""Writes an instance and a lake as the version that is installed leaves them, for `test_upgrade.py` of later ones.

`python -m genesys_dagster_tests.upgrade.store FILE.tar.xz`, with the code of the version in question on the path. Two
days pulled from bulk jobs, a sweep that found something in the first, tables and figures of both; a job that a run which
died has left; sensors that have ticked.
"""

import json
import logging
import os
import shutil
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
DAYS = ("2026-05-11", "2026-05-12")
ORG = {"seed": 5, "conversations_per_day": 12, "now": lambda: NOW}
SENSORS = ("export_new_days", "refresh_days", "update_from_late_activity", "check_days")
ASSETS = ("conversation_details", "late_activity", "conversations", "session_metrics")


def main(target: str) -> None:
    with tempfile.TemporaryDirectory() as folder, SandboxServer(Org(**ORG)) as sandbox, S3Server() as s3:
        home, lake = Path(folder, "dagster"), Path(folder, "lake")
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        variables = {"GENESYS_S3_BUCKET": s3.bucket, "DAGSTER_HOME": str(home), **sandbox.env(), **s3.env()}
        os.environ.update(variables)
        cursors = _live(sandbox)
        (home / "cursors.json").write_text(json.dumps(cursors))
        _copy(s3, lake)
        with tarfile.open(target, "w:xz") as archive:
            shutil.rmtree(home / "storage", ignore_errors=True)
            for path in (home, lake):
                archive.add(path, path.name)


def _live(sandbox):
    import dagster as dg

    from genesys_dagster.definitions import defs

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
        _die_on_the_way(instance, sandbox)
    return cursors


def _die_on_the_way(instance, sandbox):
    """Leave a job as a run that was killed does: noted in the instance, waiting in Genesys Cloud."""
    note = {
        "jobs": {
            "question": {
                "id": "job-of-a-dead-run", "submitted": NOW.timestamp(), "run_id": "gone", "known_until": NOW.isoformat(),
                "awaited": False,
            }
        },
        "left": [],
    }  # fmt: skip
    key = "genesys_dagster/bulk_jobs/2026-05-12T00:00:00.000Z/2026-05-13T00:00:00.000Z"
    instance.run_storage.set_cursor_values({key: json.dumps(note)})


def _copy(s3, lake):
    import boto3

    client = boto3.Session().client("s3")
    for entry in client.list_objects_v2(Bucket=s3.bucket)["Contents"]:
        path = lake / entry["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(s3.bucket, entry["Key"], str(path))


if __name__ == "__main__":
    main(sys.argv[1])
