"""Jobs of one op, and the schedules that start them once a day."""

from collections.abc import Callable
from datetime import time

import dagster as dg

from genesys_dagster.org.org import Org


def op_job(
    org: Org,
    name: str,
    work: Callable[[dg.OpExecutionContext], None],
    description: str,
    *resources: str,
) -> dg.JobDefinition:
    """A job that does one thing.

    Args:
        org: Whose.
        name: Of the job, before it carries the org's.
        work: What its op does.
        description: Of both.
        *resources: Keys of the resources that it needs.
    """

    @dg.op(name=org.label(f"{name}_op"), description=description, required_resource_keys=set(resources))
    def op(context: dg.OpExecutionContext) -> None:
        work(context)

    return dg.GraphDefinition(org.label(name), node_defs=[op]).to_job(description=description, tags=org.tag)


def every_day(
    org: Org, name: str, job: dg.JobDefinition, at: time, description: str
) -> dg.ScheduleDefinition:
    """A schedule that starts a job once a day, in the org's time zone."""
    return dg.ScheduleDefinition(
        name=org.label(name),
        job=job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=org.days.timezone,
        default_status=org.schedule_status,
        description=description,
    )
