"""How a sensor of an org is made: named after it, off until it is switched on, silent without credentials."""

from collections.abc import Callable
from typing import TypeAlias

import dagster as dg

from genesys_dagster.automation.jobs import Job
from genesys_dagster.automation.knowledge import unconfigured
from genesys_dagster.org.org import Org

Ticked: TypeAlias = dg.SensorResult | dg.SkipReason
Tick: TypeAlias = Callable[[dg.SensorEvaluationContext], Ticked]


def sensor(  # noqa: PLR0913 - what Dagster asks for
    org: Org, name: str, job: Job, tick: Tick, *, every: int, description: str, asks: bool = True
) -> dg.SensorDefinition:
    """A sensor that requests runs of a job.

    Args:
        org: Whose.
        name: Before it carries the org's.
        job: What it requests.
        tick: What a tick does.
        every: Seconds between ticks, at least.
        description: For people.
        asks: Whether it needs the org's resource; then it skips while that is not configured.
    """

    @dg.sensor(
        name=org.label(name),
        job=job,
        required_resource_keys={org.genesys} if asks else None,
        minimum_interval_seconds=every,
        default_status=org.sensor_status,
        description=description,
    )
    def ticking(context: dg.SensorEvaluationContext) -> Ticked:
        return (unconfigured(context, org) if asks else None) or tick(context)

    return ticking
