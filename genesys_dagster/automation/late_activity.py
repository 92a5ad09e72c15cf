"""Late activity: one sweep a day finds the older days whose conversations went on, and has exactly those pulled.

The sweep is an asset, `late_activity`, so that what it found stands in the UI and in the event log, from which a
sensor makes its requests. A few long e-mail threads are alive on nearly every day of the past weeks, and a pull
brings the whole day: so a day with late activity is pulled at most once in two weeks, and a last time two weeks
after its last activity, when evaluations and surveys of what ended late have come in.
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
from genesys_dagster.automation.settings import late_activity_pause, schedule_status, sensor_status
from genesys_dagster.failures import as_failure
from genesys_dagster.genesys.activity import late_activity as conversations_with_late_activity
from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.resources import GenesysResource

_FIRST_SWEEP = timedelta(days=3)
PAUSE = late_activity_pause()
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
        "weeks, a callback that was reached. The days stand in the metadata, until they have been pulled long enough "
        "after; the sensor `refresh_late_activity` has them pulled. One bulk job in overlap mode, read only as far as "
        "conversations are older than the sweep. "
        "Evaluations and surveys of ended conversations are not activity: the refresh plan is there for them."
    ),
    retry_policy=dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)
def late_activity(context: dg.AssetExecutionContext, genesys: GenesysResource) -> dg.MaterializeResult[None]:
    """Sweep from where the last sweep ended to the jobs' watermark."""
    with as_failure():
        genesys.settings()
        start, end, found = asyncio.run(_sweep(genesys, _swept_until(context.instance)))
    conversations = sum(found.conversations.values())
    context.log.info("%d conversations of %d older days went on", conversations, len(found.latest))
    watched = _still_watched(context.instance, found.latest)
    return dg.MaterializeResult(
        metadata={
            "swept_from": dg.MetadataValue.timestamp(start) if start else dg.MetadataValue.null(),
            "swept_until": dg.MetadataValue.timestamp(end),
            "days": dg.MetadataValue.json({day: at.isoformat() for day, at in sorted(watched.items())}),
            "conversations": dg.MetadataValue.json(dict(sorted(found.conversations.items()))),
            "api_requests": found.requests,
        }
    )


def _still_watched(instance: dg.DagsterInstance, found: Mapping[str, datetime]) -> dict[str, datetime]:
    """The latest activity of each exported day that has not been pulled long enough after it."""
    latest = {**_days(_last_sweep(instance)), **found}
    pulls = latest_pulls(instance, filter(is_partition, latest))
    # A day that was never exported is the business of new days and backfills.
    return {day: at for day, at in latest.items() if day in pulls and pulls[day].known_until < at + PAUSE}


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
    return _instant(_last_sweep(instance), "swept_until")


def _last_sweep(instance: dg.DagsterInstance) -> Mapping[str, dg.MetadataValue]:
    event = instance.get_latest_materialization_event(late_activity.key)
    materialization = event.asset_materialization if event else None
    return materialization.metadata if materialization else {}


def _instant(metadata: Mapping[str, dg.MetadataValue], name: str) -> datetime | None:
    seconds = metadata[name].value if name in metadata else None
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, (int, float)) else None


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
    description=(
        "Pulls the days again that the asset `late_activity` found, each at most once in "
        f"{PAUSE.days} days. No API requests."
    ),
)
def refresh_late_activity(
    context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry
) -> list[dg.RunRequest] | dg.SkipReason:
    """Request the days of one sweep."""
    materialization = asset_event.asset_materialization
    metadata = materialization.metadata if materialization else {}
    days, until = _days(metadata), _instant(metadata, "swept_until")
    pulls = latest_pulls(context.instance, days)
    due = [
        day
        for day, latest in days.items()
        if until is not None
        and day in pulls
        and pulls[day].known_until < latest + PAUSE
        and until - pulls[day].known_until >= PAUSE
    ]
    if not due:
        return dg.SkipReason(f"{len(days)} days are watched for late activity, none is due")
    return [
        request(day, "late activity", f"{day}, pulled {pulls[day].known_until.isoformat()}") for day in due
    ]


def _days(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, datetime]:
    found = metadata["days"].value if "days" in metadata else None
    days = found if isinstance(found, Mapping) else {}
    return {str(day): datetime.fromisoformat(str(at)) for day, at in days.items() if is_partition(str(day))}
