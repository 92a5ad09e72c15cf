"""All of automation, in lists for the code location."""

from typing import Any

import dagster as dg

from genesys_dagster.automation.alerts import alert_sensors
from genesys_dagster.automation.export import CHECK_JOB, EXPORT_JOB, UPDATE_JOB
from genesys_dagster.automation.freshness import REQUIRE_SCHEDULE, require_yesterday, yesterday_is_there
from genesys_dagster.automation.housekeeping import (
    ORPHANED_JOBS_SCHEDULE,
    STALE_UPLOADS_SCHEDULE,
    abort_stale_uploads,
    delete_orphaned_jobs,
)
from genesys_dagster.automation.late_activity import (
    SWEEP_JOB,
    sweep_late_activity_daily,
    update_from_late_activity,
)
from genesys_dagster.automation.new_days import (
    export_new_days,
    export_yesterday,
    export_yesterday_provisionally,
)
from genesys_dagster.automation.refresh import refresh_days
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.automation.unchecked import check_days
from genesys_dagster.memory.wanted.told import wanted_days

CHECKS = [yesterday_is_there, wanted_days]
JOBS: list[dg.JobDefinition | Any] = [
    EXPORT_JOB,
    UPDATE_JOB,
    CHECK_JOB,
    SWEEP_JOB,
    require_yesterday,
    abort_stale_uploads,
    delete_orphaned_jobs,
]
SCHEDULES = [
    export_yesterday,
    export_yesterday_provisionally,
    REQUIRE_SCHEDULE,
    STALE_UPLOADS_SCHEDULE,
    ORPHANED_JOBS_SCHEDULE,
]
SENSORS = [
    export_new_days,
    refresh_days,
    sweep_late_activity_daily,
    update_from_late_activity,
    check_days,
    # Dagster's own default sensor for conditions would be there too, but stopped.
    dg.AutomationConditionSensorDefinition(
        "follow_upstream",
        target=dg.AssetSelection.all(),
        default_status=sensor_status(),
        minimum_interval_seconds=30,
        description="Computes tables, figures and the report again, for the days whose conversations changed; takes the reference "
        "snapshots every morning.",
    ),
    *alert_sensors(),
]
