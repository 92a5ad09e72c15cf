"""Yesterday must be there by a time of day, and no day of the last week may be a hole: a check, and a job that alerts.

Not a `FreshnessPolicy`: that looks at the asset's latest materialization, whichever partition it was, so that the
backfill of an old day would make a late yesterday look fresh.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS, conversation_details
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by
from genesys_dagster.automation.settings import (
    SWITCH,
    deadline,
    is_switched_on,
    required_days,
    schedule_status,
)
from genesys_dagster.memory.notes import CARE_SINCE, recall
from genesys_dagster.memory.pulls import ASSET_KEY, Pull, latest_pulls
from genesys_dagster.memory.wanted.told import WANTED_DAYS, listed, report

DEADLINE = deadline()
REQUIRED_DAYS = required_days()


def days_passed(now: datetime) -> list[str]:
    """The last days whose deadline, on the morning after, has passed, oldest first; none before the first."""
    local = now.astimezone(ZoneInfo(PARTITIONS.timezone))
    today = local.replace(hour=DEADLINE.hour, minute=DEADLINE.minute, second=0, microsecond=0)
    # Days ended by this morning count once it is past the deadline, before it those ended by yesterday morning.
    return ended_by(today if local >= today else today - timedelta(days=1))[-REQUIRED_DAYS:]


def verdict(instance: dg.DagsterInstance, now: datetime) -> dg.AssetCheckResult:
    """Whether the days that had to be there are there, pulled after their end, and whole."""
    passed = days_passed(now)
    since = _care_since(instance, passed)
    days = [day for day in passed if since and day >= since]
    if not days:
        return dg.AssetCheckResult(passed=True, description=_nothing_required(passed))
    pulls = latest_pulls(instance, days)
    faults = {day: fault for day in days if (fault := _fault(day, pulls.get(day)))}
    metadata: dict[str, Any] = {
        "day": days[-1],
        "days": len(days),
        **({"holes": ", ".join(faults)} if faults else {}),
    }
    if not faults:
        which = days[-1] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        text = f"{which}: there by {DEADLINE:%H:%M} of the morning after, or come since."
        return dg.AssetCheckResult(passed=True, description=text, metadata=metadata)
    named = "; ".join(f"{day} {fault}" for day, fault in faults.items())
    text = (
        f"{named}, although it is past {DEADLINE:%H:%M}. See why the latest run of export_conversation_details failed "
        "or did not start (the check wanted_days lists what is tried), and materialize the partition."
    )
    return dg.AssetCheckResult(passed=False, description=text, metadata=metadata)


def _care_since(instance: dg.DagsterInstance, passed: list[str]) -> str | None:
    """The first day that automation was asked to take care of; None while it was asked for nothing."""
    noted: str | None = recall(instance, CARE_SINCE).get(CARE_SINCE)
    if noted or not passed or not is_switched_on():
        return noted
    pulled = instance.get_materialized_partitions(ASSET_KEY)  # it is on, but has not ticked yet
    return min([day for day in passed if day in pulled], default=passed[-1])


def _nothing_required(passed: list[str]) -> str:
    if not passed:
        return "No day has had to be there yet."
    return (
        f"Nothing is required: automation was not asked to bring any of the last days ({SWITCH} is not on)."
    )


def _fault(day: str, pull: Pull | None) -> str | None:
    if pull is None or pull.known_until < end_of(day):
        return "is not there"
    return f"lacks {pull.missing:,} announced conversations" if pull.missing else None


@dg.asset_check(
    asset=conversation_details,
    description=f"Yesterday is there by {DEADLINE:%H:%M} {PARTITIONS.timezone}, and none of the last {REQUIRED_DAYS} days "
    "that automation takes care of is a hole or incomplete. Older days do not count.",
)
def yesterday_is_there(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Check the last days whose deadline has passed."""
    return verdict(context.instance, knowledge.now())


@dg.op(description="Fails, so that alerts are sent, if yesterday or a day before it is not there.")
def require_yesterday_op(context: dg.OpExecutionContext) -> None:
    """Fail with the words of the check."""
    result = verdict(context.instance, knowledge.now())
    report(context.instance, "yesterday_is_there", result)
    report(context.instance, WANTED_DAYS, listed(context.instance))
    if not result.passed:
        raise dg.Failure(result.description, allow_retries=False)


@dg.job(
    description="Evaluates the check `yesterday_is_there` and fails, which alerts, if the day is not there."
)
def require_yesterday() -> None:
    """One op."""
    require_yesterday_op()


REQUIRE_SCHEDULE = dg.ScheduleDefinition(
    name="require_yesterday_at_deadline",
    job=require_yesterday,
    cron_schedule=f"{DEADLINE.minute} {DEADLINE.hour} * * *",
    execution_timezone=PARTITIONS.timezone,
    default_status=schedule_status(),
    description=f"At {DEADLINE:%H:%M}: is yesterday there?",
)
