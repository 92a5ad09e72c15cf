"""The org without a name and without variables, and its definitions one by one, for tests of one of them."""

import functools

from genesys_dagster.assets.conversation_details import conversation_details as _conversation_details
from genesys_dagster.assets.late_activity import late_activity as _late_activity
from genesys_dagster.assets.performance import performance
from genesys_dagster.assets.reference import reference
from genesys_dagster.assets.report import contact_center_report as _contact_center_report
from genesys_dagster.assets.tables import tables
from genesys_dagster.automation.definitions import automation
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.checks.all_checks import all_checks
from genesys_dagster.cloud import GenesysCloud


def once_for_each(make):
    """A function of an org that makes its definitions once, though an org is no key: it holds dictionaries."""
    known = []

    @functools.wraps(make)
    def made(org):
        found = next((definitions for other, definitions in known if other == org), None)
        if found is None:
            known.append((org, found := make(org)))
        return found

    return made


ORG = GenesysCloud.from_environment()
DAYS = ORG.days
PARTITIONS = ORG.days.partitions
ASSET_KEY, LATE_ACTIVITY = ORG.key("conversation_details"), ORG.key("late_activity")

CHECKS = all_checks(ORG)
conversation_details = _conversation_details(ORG, CHECKS.watching.begin)
late_activity = _late_activity(ORG)
TABLES = tables(ORG)
PERFORMANCE = performance(ORG)
REFERENCE = reference(ORG)
contact_center_report = _contact_center_report(ORG)
AUTOMATION = automation(ORG, CHECKS)
JOBS = Jobs(ORG, CHECKS)


def resources_of(org=None, **replaced):
    """The resources of the definitions of an org, or of the one of the environment; nothing else of them is made."""
    return (org or GenesysCloud.from_environment())._resources(**replaced)


def sensors(org=ORG):
    """The sensors of an org by their names."""
    made = AUTOMATION if org is ORG else automation(org, all_checks(org))
    return {sensor.name: sensor for sensor in made.sensors}


def schedules(org=ORG):
    """The schedules of an org by their names."""
    made = AUTOMATION if org is ORG else automation(org, all_checks(org))
    return {schedule.name: schedule for schedule in made.schedules}


queue_performance, agent_performance, queue_performance_weekly = PERFORMANCE
WEEKS = DAYS.weeks()
end_of, start_of, ended_by, is_partition, day_of = (
    DAYS.end_of,
    DAYS.start_of,
    DAYS.ended_by,
    DAYS.is_partition,
    DAYS.day_of,
)

_SENSORS, _SCHEDULES = sensors(), schedules()
export_new_days = _SENSORS["export_new_days"]
refresh_days = _SENSORS["refresh_days"]
check_days = _SENSORS["check_days"]
sweep_late_activity_daily = _SENSORS["sweep_late_activity_daily"]
update_from_late_activity = _SENSORS["update_from_late_activity"]
export_yesterday = _SCHEDULES["export_yesterday"]
export_yesterday_provisionally = _SCHEDULES["export_yesterday_provisionally"]
REQUIRE_SCHEDULE = _SCHEDULES["require_yesterday_at_deadline"]
require_yesterday = REQUIRE_SCHEDULE.job
abort_stale_uploads = _SCHEDULES["abort_stale_uploads_daily"].job
delete_orphaned_jobs = _SCHEDULES["delete_orphaned_jobs_daily"].job
EXPORT_JOB, UPDATE_JOB, CHECK_JOB, SWEEP_JOB = JOBS.export, JOBS.update, JOBS.check, JOBS.sweep
CHECK_KEYS = JOBS.check_keys
