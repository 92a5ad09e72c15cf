"""Late activity: one sweep a day finds the older days whose conversations went on, and has exactly those pulled.

The sweep is an asset, `late_activity`, so that what it found stands in the UI and in the event log, from which a
sensor makes its requests.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import day_of, is_partition
from genesys_dagster.automation.export import EXPORT_JOB, request
from genesys_dagster.automation.pulls import latest_pulls
from genesys_dagster.automation.settings import schedule_status, sensor_status
from genesys_dagster.failures import as_failure
from genesys_dagster.genesys.activity import late_activity as conversations_with_late_activity
from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.resources import GenesysResource

_FIRST_SWEEP = timedelta(days=3)
# One job per month of a long pause: the longest interval of a job is not documented; 30 days are in use
# (jfabello/gc-data-utils, conversation details jobs).
_LONGEST = timedelta(days=30)


@dataclass
class _Found:
    """What a sweep found, by day of start."""

    latest: dict[str, datetime] = field(default_factory=dict)
    conversations: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    def note(self, started: datetime, latest: datetime) -> None:
        day = day_of(started)
        self.latest[day] = max(latest, self.latest.get(day, latest))
        self.conversations[day] += 1


@dg.asset(
    group_name="genesys_cloud",
    kinds={"python"},
    owners=["team:data-engineering"],
    pool="genesys_api",
    description=(
        "Which older days had conversations in which something happened since the last sweep: an e-mail answered after "
        "weeks, a callback that was reached. The days stand in the metadata; the sensor `refresh_late_activity` has "
        "them pulled again. One bulk job in overlap mode, read only as far as conversations are older than the sweep. "
        "Evaluations and surveys of ended conversations are not activity: the refresh plan is there for them."
    ),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def late_activity(context: dg.AssetExecutionContext, genesys: GenesysResource) -> dg.MaterializeResult[None]:
    """Sweep from where the last sweep ended to the jobs' watermark."""
    with as_failure():
        genesys.settings()
        start, end, found = asyncio.run(_sweep(genesys, _swept_until(context.instance)))
    if start is not None:
        conversations = sum(found.conversations.values())
        context.log.info("%d conversations of %d older days went on", conversations, len(found.latest))
    return dg.MaterializeResult(
        metadata={
            "swept_from": dg.MetadataValue.timestamp(start) if start else dg.MetadataValue.null(),
            "swept_until": dg.MetadataValue.timestamp(end),
            "days": dg.MetadataValue.json({day: at.isoformat() for day, at in sorted(found.latest.items())}),
            "conversations": dg.MetadataValue.json(dict(sorted(found.conversations.items()))),
            "api_requests": found.requests,
        }
    )


async def _sweep(
    genesys: GenesysResource, swept_until: datetime | None
) -> tuple[datetime | None, datetime, _Found]:
    """Sweep; returns where it started (None: there was nothing new), where it ended and what it found."""
    found = _Found()
    async with genesys.client() as client:
        watermark = (await data_available_until(client)).replace(microsecond=0)
        start = swept_until or watermark - _FIRST_SWEEP
        if start >= watermark:
            found.requests = client.stats.requests
            return None, start, found
        for part in Interval(start, watermark).slices(_LONGEST):
            async with aclosing(conversations_with_late_activity(client, part)) as conversations:
                async for conversation in conversations:
                    found.note(conversation.started, conversation.latest)
        found.requests = client.stats.requests
    return start, watermark, found


def _swept_until(instance: dg.DagsterInstance) -> datetime | None:
    event = instance.get_latest_materialization_event(late_activity.key)
    materialization = event.asset_materialization if event else None
    if materialization is None or "swept_until" not in materialization.metadata:
        return None
    return datetime.fromtimestamp(float(str(materialization.metadata["swept_until"].value)), UTC)


SWEEP_JOB = dg.define_asset_job(
    "sweep_late_activity",
    selection=[late_activity],
    description="Finds the older days whose conversations went on lately.",
)


@dg.schedule(
    name="sweep_late_activity_daily",
    job=SWEEP_JOB,
    cron_schedule="0 7 * * *",
    execution_timezone=PARTITIONS.timezone,
    default_status=schedule_status(),
    description="Looks for late activity every morning at 07:00.",
)
def sweep_late_activity_daily(
    context: dg.ScheduleEvaluationContext, genesys: GenesysResource
) -> dg.RunRequest | dg.SkipReason:
    """Request one sweep a day."""
    missing = knowledge.unconfigured(genesys)
    return missing or dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())


@dg.asset_sensor(
    name="refresh_late_activity",
    asset_key=late_activity.key,
    job=EXPORT_JOB,
    minimum_interval_seconds=60,
    default_status=sensor_status(),
    description="Pulls the days again that the asset `late_activity` found, unless they were pulled since. No requests.",
)
def refresh_late_activity(
    context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request the days of one sweep."""
    materialization = asset_event.asset_materialization
    days = _days(materialization.metadata) if materialization else {}
    pulls = latest_pulls(context.instance, days)
    # A day that was never exported is not refreshed: new days and backfills are other people's business.
    stale = [day for day, latest in days.items() if day in pulls and pulls[day].known_until <= latest]
    if not stale:
        return dg.SkipReason(
            f"none of the {len(days)} days that the sweep found has activity newer than its export"
        )
    return [request(day, "late activity", f"{day}, activity {days[day].isoformat()}") for day in stale]


def _days(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, datetime]:
    found = metadata["days"].value if "days" in metadata else None
    days = found if isinstance(found, Mapping) else {}
    return {str(day): datetime.fromisoformat(str(at)) for day, at in days.items() if is_partition(str(day))}
