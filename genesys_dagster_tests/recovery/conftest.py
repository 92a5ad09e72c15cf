"""A lake that an instance has filled which is lost, and a new instance."""

from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
import pytest

from genesys_dagster.automation import knowledge
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster_tests.automation.conftest import Desk, utc
from genesys_dagster_tests.default_org import ORG

WATERMARK = datetime(2026, 5, 13, 4, tzinfo=UTC)
USER_STATUS = ("user_presence", "user_routing_status", "late_user_status")
# Assets, and the days from which to which one run makes them.
RUNS = (
    (("conversation_details",), "2026-05-08", "2026-05-12"),
    (("late_activity",), "2026-05-11", "2026-05-12"),
    (USER_STATUS, "2026-05-11", "2026-05-12"),
    (("conversations", "queues"), "2026-05-12", "2026-05-12"),
)
MISSING = "2026-05-09"
EXPORTED = ("2026-05-08", "2026-05-10", "2026-05-11", "2026-05-12")


class Lost(NamedTuple):
    """What an instance made and knew: the objects by key, and by asset and partition what it said of each."""

    objects: dict[str, bytes]
    said: dict[tuple[str, str | None], dict]


_KEPT = []


@pytest.fixture
def lost(environment, sandbox, lake):
    """The lake, exported once by an instance that is gone."""
    if not _KEPT:
        _KEPT.append(_export(sandbox, lake))
    lake.put_all(_KEPT[0].objects)
    sandbox.settings.availability = sandbox.settings.user_availability = WATERMARK
    sandbox.requests.clear()
    return _KEPT[0]


def _export(sandbox, lake):
    sandbox.settings.availability = sandbox.settings.user_availability = WATERMARK
    said = {}
    with dg.DagsterInstance.ephemeral() as instance:
        for names, first, last in RUNS:
            result = _run(instance, names, first, last)
            for event in result.get_asset_materialization_events():
                it = event.materialization
                values = {name: value.value for name, value in it.metadata.items()}
                said[it.asset_key.path[-1], it.partition] = values
    lake.client.delete_object(Bucket=lake.bucket, Key=lake.key(MISSING))
    del said["conversation_details", MISSING]
    return Lost(lake.objects(), said)


def _run(instance, names, first, last):
    definitions = GenesysCloud.from_environment().definitions()
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    return dg.materialize(
        definitions.assets,  # without their checks
        selection=[ORG.key(name) for name in names],
        instance=instance,
        tags=ends,
        resources=definitions.resources,
    )


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def desk(lost, sandbox, instance, monkeypatch):
    """Sensors tick in the new instance, two hours after the watermark."""
    monkeypatch.setattr(knowledge, "now", lambda: utc("2026-05-13T06:00"))
    return Desk(instance, sandbox)
