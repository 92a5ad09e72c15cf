"""Yesterday must be there by a time of day, and no day of the last week may be a hole: a check, and a job that alerts.

Not a `FreshnessPolicy`: that looks at the asset's latest materialization, whichever partition it was, so that the
backfill of an old day would make a late yesterday look fresh.
"""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.ops import every_day, op_job
from genesys_dagster.automation.told import WANTED_DAYS, listed, report
from genesys_dagster.memory.notes import CARE_SINCE, recall
from genesys_dagster.memory.pulls import DETAILS, Pull, latest_pulls
from genesys_dagster.org.org import Org

YESTERDAY_IS_THERE = "yesterday_is_there"


def days_passed(org: Org, now: datetime) -> list[str]:
    """The last days whose deadline, on the morning after, has passed, oldest first; none before the first."""
    local, deadline = now.astimezone(org.days.zone), org.deadline_time
    today = local.replace(hour=deadline.hour, minute=deadline.minute, second=0, microsecond=0)
    # Days ended by this morning count once it is past the deadline, before it those ended by yesterday morning.
    return org.days.ended_by(today if local >= today else today - timedelta(days=1))[-org.required_days :]


def verdict(instance: dg.DagsterInstance, org: Org, now: datetime) -> dg.AssetCheckResult:
    """Whether the days that had to be there are there, pulled after their end, and whole."""
    passed = days_passed(org, now)
    since = _care_since(instance, org, passed)
    days = [day for day in passed if since and day >= since]
    if not days:
        return dg.AssetCheckResult(passed=True, description=_nothing_required(org, passed))
    pulls = latest_pulls(instance, org, days)
    faults = {day: fault for day in days if (fault := _fault(org, day, pulls.get(day)))}
    metadata: dict[str, Any] = {
        "day": days[-1],
        "days": len(days),
        **({"holes": ", ".join(faults)} if faults else {}),
    }
    if not faults:
        which = days[-1] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        text = f"{which}: there by {org.deadline_time:%H:%M} of the morning after, or come since."
        return dg.AssetCheckResult(passed=True, description=text, metadata=metadata)
    named = "; ".join(f"{day} {fault}" for day, fault in faults.items())
    text = (
        f"{named}, although it is past {org.deadline_time:%H:%M}. See why the latest run of "
        f"{org.label('export_conversation_details')} failed or did not start (the check wanted_days lists what is tried), and materialize the partition."
    )
    return dg.AssetCheckResult(passed=False, description=text, metadata=metadata)


def _care_since(instance: dg.DagsterInstance, org: Org, passed: list[str]) -> str | None:
    """The first day that automation was asked to take care of; None while it was asked for nothing."""
    noted: str | None = recall(instance, org, CARE_SINCE).get(CARE_SINCE)
    if noted or not passed or not org.automation:
        return noted
    pulled = instance.get_materialized_partitions(org.key(DETAILS))  # it is on, but has not ticked yet
    return min([day for day in passed if day in pulled], default=passed[-1])


def _nothing_required(org: Org, passed: list[str]) -> str:
    if not passed:
        return "No day has had to be there yet."
    switch = org.called("automation")
    return (
        f"Nothing is required: automation was not asked to bring any of the last days ({switch} is not on)."
    )


def _fault(org: Org, day: str, pull: Pull | None) -> str | None:
    if pull is None or pull.known_until < org.days.end_of(day):
        return "is not there"
    return f"lacks {pull.missing:,} announced conversations" if pull.missing else None


def yesterday_is_there(org: Org) -> dg.AssetChecksDefinition:
    """The check of the last days whose deadline has passed."""

    @dg.asset_check(
        asset=org.key(DETAILS),
        name=YESTERDAY_IS_THERE,
        description=f"Yesterday is there by {org.deadline_time:%H:%M} {org.days.timezone}, and none of the last "
        f"{org.required_days} days that automation takes care of is a hole or incomplete. Older days do not count.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return verdict(context.instance, org, knowledge.now())

    return check


def require_yesterday(org: Org) -> dg.ScheduleDefinition:
    """The job that evaluates the check and fails with its words, at the deadline."""

    def require(context: dg.OpExecutionContext) -> None:
        result = verdict(context.instance, org, knowledge.now())
        report(context.instance, org, YESTERDAY_IS_THERE, result)
        report(context.instance, org, WANTED_DAYS, listed(context.instance, org))
        if not result.passed:
            raise dg.Failure(result.description, allow_retries=False)

    job = op_job(
        org,
        "require_yesterday",
        require,
        "Evaluates the check `yesterday_is_there` and fails, which alerts, if the day is not there.",
    )
    at = org.deadline_time
    return every_day(org, "require_yesterday_at_deadline", job, at, f"At {at:%H:%M}: is yesterday there?")
