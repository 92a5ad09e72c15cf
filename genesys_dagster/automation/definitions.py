"""All of automation, for an org."""

from typing import Any, NamedTuple

import dagster as dg

from genesys_dagster.automation.alerts import alert_sensors
from genesys_dagster.automation.freshness import require_yesterday, yesterday_is_there
from genesys_dagster.automation.housekeeping import abort_stale_uploads, delete_orphaned_jobs
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.automation.late_activity import (
    sweep_late_activity_daily,
    update_from_late_activity,
    update_user_status,
)
from genesys_dagster.automation.new_days import (
    export_new_days,
    export_user_status,
    export_yesterday,
    export_yesterday_provisionally,
)
from genesys_dagster.automation.refresh import refresh_days
from genesys_dagster.automation.told import wanted_days
from genesys_dagster.automation.unchecked import check_days, check_user_status
from genesys_dagster.checks.all_checks import Checks
from genesys_dagster.dagster_private import LookingSelection
from genesys_dagster.memory.pulls import LATE_ACTIVITY, USER_STATUS
from genesys_dagster.org.claims import refuse_shared
from genesys_dagster.org.org import Org


class Automation(NamedTuple):
    """What runs by itself for an org, and the checks that tell how it does."""

    checks: list[dg.AssetChecksDefinition]
    jobs: list[Any]
    schedules: list[dg.ScheduleDefinition]
    sensors: list[dg.SensorDefinition]


def automation(org: Org, checks: Checks) -> Automation:
    """All of it.

    Args:
        org: Whose.
        checks: Its checks of a day.

    Raises:
        dagster.DagsterInvalidDefinitionError: As `alert_sensors`.
    """
    jobs = Jobs(org, checks)
    exports = [jobs.export, jobs.update, jobs.check]
    schedules = [export_yesterday(jobs), export_yesterday_provisionally(jobs)]
    by_night = [require_yesterday(org), abort_stale_uploads(org), delete_orphaned_jobs(org)]
    sensors = [export_new_days(jobs), refresh_days(jobs), check_days(jobs), follow_upstream(org)]
    if org.has(LATE_ACTIVITY):
        exports.append(jobs.sweep)
        sensors += [sweep_late_activity_daily(jobs), update_from_late_activity(jobs)]
    if org.has(USER_STATUS.pulled):
        exports += [jobs.user_status, jobs.update_status, jobs.check_status]
        sensors += [export_user_status(jobs), update_user_status(jobs), check_user_status(jobs)]
    keys = sorted((key for check in checks.definitions for key in check.check_keys), key=str)
    return Automation(
        [yesterday_is_there(org), wanted_days(org)],
        [*exports, *(schedule.job for schedule in by_night)],
        [*schedules, *by_night],
        [*sensors, *alert_sensors(org, keys)],
    )


def follow_upstream(org: Org) -> dg.SensorDefinition:
    """The sensor that evaluates the conditions of the org's assets, and of no other.

    Resolving its target is also where it is seen whether orgs share what they must not.
    """
    return dg.AutomationConditionSensorDefinition(
        org.label("follow_upstream"),
        target=LookingSelection(dg.AssetSelection.assets(*org.keys.values()), refuse_shared),
        default_status=org.sensor_status,
        minimum_interval_seconds=30,
        run_tags=org.tag,
        description="Computes tables, figures and the report again, for the days whose conversations changed; takes the "
        "reference snapshots every morning.",
    )
