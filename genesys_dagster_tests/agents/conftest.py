"""Days of agents' time, materialized as a user's deployment does."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.assets.agent_status import agent_status
from genesys_dagster.assets.reference import reference
from genesys_dagster.assets.user_status import user_status
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.conftest import Outcome
from genesys_dagster_tests.default_org import once_for_each, resources_of

# Few days before those that are pulled: all that are there are looked for.
ORG = GenesysCloud.from_environment(start="2026-05-01")
DAY = date(2026, 5, 12)
START = datetime(2026, 5, 12, tzinfo=UTC)
END = START + timedelta(days=1)
PULLED = ("user_presence", "user_routing_status", "late_user_status")
FIGURES = ("agent_status", "agent_status_daily")


@once_for_each
def _assets(org):
    return user_status(org), *agent_status(org), *reference(org)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def run(environment, instance, sandbox):
    """Materializes assets for days at a moment of the org's clock, the watermark standing at another."""

    def run(names, *days, now=END + timedelta(hours=33), watermark=None, config=None, org=ORG, **settings):
        sandbox.settings.now = lambda: now
        sandbox.settings.user_availability = watermark or now
        ends = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        pulled, *others = _assets(org)
        keys = [org.key(name) for name in names]
        result = dg.materialize(
            [pulled, *others],
            selection=dg.AssetSelection.assets(*keys),
            partition_key=str(days[0]) if len(days) == 1 else None,
            tags=dict(zip(ends, map(str, days), strict=True)) if len(days) > 1 else None,
            instance=instance,
            resources=resources_of(org, genesys=GenesysResource(**settings)),
            run_config={"ops": {pulled.op.name: {"config": config}}} if config else None,
            raise_on_error=False,
        )
        return Outcome(result)

    return run


@pytest.fixture
def pull(run):
    """Pulls days of user status."""
    return lambda *days, names=PULLED, **settings: run(names, *(days or (DAY,)), **settings)


@pytest.fixture
def update(run):
    """Puts ends into a day without a pull."""
    return lambda day, **settings: run(PULLED[:2], day, config={"from_late_user_status": True}, **settings)


def said(outcome, name):
    """What the materialization of an asset says."""
    (found,) = [each for each in outcome.materializations if each.asset_key.path[-1] == name]
    return {key: value.value for key, value in found.metadata.items()}
