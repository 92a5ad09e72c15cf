"""Everything that is defined for an org, by name, against `definitions.txt`: a change of it is seen, and meant.

`WRITE_SNAPSHOT=1 python -m pytest genesys_dagster_tests/test_snapshot.py` writes the file anew.
"""

import os
from difflib import unified_diff
from pathlib import Path

import dagster as dg
import pytest

from genesys_dagster.cloud import GenesysCloud

FILE = Path(__file__).with_name("definitions.txt")
ORGS = {
    "the default org": GenesysCloud(),
    "a named org": GenesysCloud(
        name="emea",
        timezone="Europe/Berlin",
        start="2025-07-01",
        days_per_run=7,
        automation=True,
        deadline="05:30",
        alert_teams_webhook=dg.EnvVar("WEBHOOK"),
        key_prefix=["raw", "genesys"],
        groups={"tables": "flat"},
        owners=["team:cx-data"],
        tags={"domain": "cx"},
        kinds=["voice"],
        pool="emea_client",
    ),
}


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_definitions_are_those_of_the_snapshot():
    found = "\n".join(
        line for name, org in ORGS.items() for line in [f"# {name}", *lines(org.definitions()), ""]
    )
    if os.environ.get("WRITE_SNAPSHOT"):
        FILE.write_text(found, encoding="utf-8")
    expected = FILE.read_text(encoding="utf-8")
    changes = "\n".join(
        unified_diff(expected.splitlines(), found.splitlines(), "before", "now", n=3, lineterm="")
    )
    assert not changes, (
        f"{changes}\n\nIf that is meant: WRITE_SNAPSHOT=1 python -m pytest {Path(__file__).name}"
    )


def lines(defs):
    graph, repository = defs.resolve_asset_graph(), defs.get_repository_def()
    for key in sorted(graph.get_all_asset_keys()):
        yield from entry(f"asset {key.to_user_string()}", of_asset(graph.get(key)))
    for key in sorted(graph.asset_check_keys):
        check = graph.get(key)
        blocking = {"blocking": ["yes"]} if check.blocking else {}
        yield from entry(f"check {key.asset_key.to_user_string()}:{key.name}", blocking)
    for job in sorted(defs.resolve_all_job_defs(), key=lambda it: it.name):
        if not job.name.startswith("__"):
            yield from entry(f"job {job.name}", of_job(job))
    for schedule in sorted(repository.schedule_defs, key=lambda it: it.name):
        zone = schedule.execution_timezone or "UTC"
        when = [f"{schedule.cron_schedule} {zone} {schedule.default_status.value}"]
        yield from entry(f"schedule {schedule.name}", {"when": when, "job": [schedule.job_name]})
    for sensor in sorted(repository.sensor_defs, key=lambda it: it.name):
        yield from entry(f"sensor {sensor.name}", of_sensor(sensor, graph))
    for name, resource in sorted(defs.resources.items()):
        yield f"resource {name}: {type(resource).__name__}"


def of_asset(asset):
    days = asset.partitions_def
    return {
        "group": [asset.group_name],
        "kinds": asset.kinds,
        "owners": asset.owners,
        "tags": [it for it in tags(asset) if not it.startswith("dagster/kind/")],
        "partitions": [f"{type(days).__name__} {days.start:%Y-%m-%d} {days.timezone}"] if days else [],
        "runs": [f"{asset.backfill_policy.max_partitions_per_run} partitions"]
        if asset.backfill_policy
        else [],
        "pools": asset.pools,
        "made of": [key.to_user_string() for key in asset.parent_keys],
        "stored by": [asset.io_manager_key] if asset.is_materializable else [],
        "by itself": ["when its condition holds"] if asset.automation_condition else [],
    }


def of_job(job):
    return {
        "steps": [node.name for node in job.nodes],
        "pools": {pool for node in job.nodes for pool in node.definition.pools},
        "tags": tags(job),
    }


def of_sensor(sensor, graph):
    chosen = sensor.asset_selection.resolve(graph) if sensor.asset_selection else ()
    return {
        "kind": [f"{sensor.sensor_type.value} {sensor.default_status.value}"],
        "jobs": [target.job_name for target in sensor.targets if target.job_name],
        "assets": [key.to_user_string() for key in chosen],
        "resources": sensor.required_resource_keys,
    }


def tags(of):
    return [f"{name}={value}" if value else name for name, value in (of.tags or {}).items()]


def entry(title, attributes):
    yield title
    for name, values in attributes.items():
        if values:
            yield f"  {name}: {', '.join(sorted(values))}"
