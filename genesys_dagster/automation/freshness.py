"""Yesterday must be there by a time of day: a check that shows it, and a job that fails, and so alerts, if it is not.

Not a `FreshnessPolicy`: that looks at the asset's latest materialization, whichever partition it was, so that the
backfill of an old day would make a late yesterday look fresh.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS, conversation_details
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by
from genesys_dagster.automation.settings import deadline, schedule_status
from genesys_dagster.pulls import latest_pulls

DEADLINE = deadline()


def day_required(now: datetime) -> str | None:
    """The latest day whose deadline, on the morning after, has passed; None before the first."""
    local = now.astimezone(ZoneInfo(PARTITIONS.timezone))
    today = local.replace(hour=DEADLINE.hour, minute=DEADLINE.minute, second=0, microsecond=0)
    # Days ended by this morning count once it is past the deadline, before it those ended by yesterday morning.
    passed = today if local >= today else today - timedelta(days=1)
    days = ended_by(passed)
    return days[-1] if days else None


def verdict(instance: dg.DagsterInstance, now: datetime) -> dg.AssetCheckResult:
    """Whether the day that had to be there is there, pulled after its end."""
    day = day_required(now)
    if day is None:
        return dg.AssetCheckResult(passed=True, description="No day has had to be there yet.")
    pull = latest_pulls(instance, [day]).get(day)
    is_there = pull is not None and pull.known_until >= end_of(day)
    description = (
        f"{day} was there by {DEADLINE:%H:%M}, or has come since."
        if is_there
        else f"{day} is not there, although it is past {DEADLINE:%H:%M}. See why the latest run of "
        "export_conversation_details failed or did not start, and materialize the partition."
    )
    return dg.AssetCheckResult(passed=is_there, description=description, metadata={"day": day})


@dg.asset_check(
    asset=conversation_details,
    description=f"Yesterday is there by {DEADLINE:%H:%M} {PARTITIONS.timezone}. Old days do not count.",
)
def yesterday_is_there(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Check the latest day whose deadline has passed."""
    return verdict(context.instance, knowledge.now())


@dg.op(description="Fails, so that alerts are sent, if yesterday is not there.")
def require_yesterday_op(context: dg.OpExecutionContext) -> None:
    """Fail with the words of the check."""
    result = verdict(context.instance, knowledge.now())
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=conversation_details.key,
            check_name="yesterday_is_there",
            passed=result.passed,
            metadata=result.metadata,
            description=result.description,
        )
    )
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
