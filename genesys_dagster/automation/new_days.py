"""New days: each is exported as soon as the data lake holds all of it.

`export_new_days` (a sensor on the jobs' watermark) is the default; `export_yesterday` (a schedule) is for who wants
a fixed time, or has no bulk jobs; `export_yesterday_provisionally` is for who cannot wait for the watermark.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by, is_partition
from genesys_dagster.automation.export import EXPORT_JOB, new_day_runs, request
from genesys_dagster.automation.knowledge import unconfigured
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.pulls import Pull, latest_pulls
from genesys_dagster.resources import GenesysResource

_PAUSES = (
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
)  # after the first, second, third failure
_MOST_REQUESTS = 50  # per tick: after months without the daemon, the rest follows in the next ticks


@dataclass
class _Cursor:
    """What the sensor remembers: nothing else decides whether a day is new.

    Attributes:
        until: End of the last day that was requested, ISO 8601; None before the first tick.
        watermark: The furthest watermark seen.
        open_days: Days requested but not there yet.
    """

    until: str | None = None
    watermark: str | None = None
    open_days: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str | None) -> "_Cursor":
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        return json.dumps(vars(self), separators=(",", ":"))


@dg.sensor(
    name="export_new_days",
    job=EXPORT_JOB,
    minimum_interval_seconds=300,
    default_status=sensor_status(),
    description=(
        "Exports each day as soon as Genesys Cloud's data lake holds all of it (`jobs/availability`), once. A failed "
        "export is requested again after 1, 2 and 4 hours. Starts with the latest complete day: backfill what lies "
        "before. At most one API request per tick, none once the day is requested."
    ),
)
def export_new_days(
    context: dg.SensorEvaluationContext, genesys: GenesysResource
) -> dg.SensorResult | dg.SkipReason:
    """Request the days that the watermark has passed since the last tick."""
    missing = unconfigured(genesys)
    if missing is not None:
        return missing
    cursor, now = _Cursor.read(context.cursor), knowledge.now()
    still_open, retries = _retries(context.instance, cursor.open_days, now)
    # The watermark is never ahead of the clock: it is asked for only while a day that has ended waits for it.
    if not _new_days(cursor, now):
        remembered = replace(cursor, open_days=still_open)
        return _result(remembered, retries, "no day has ended since the last one that was requested")
    try:
        watermark = knowledge.known_until(genesys)
    except GenesysError as error:
        # Nothing is remembered: the next tick stands where this one stood.
        return dg.SkipReason(str(error))
    before = datetime.fromisoformat(cursor.watermark) if cursor.watermark else None
    new = _new_days(cursor, watermark)
    remembered = _Cursor(
        until=end_of(new[-1]).isoformat() if new else cursor.until,
        watermark=max(watermark, before or watermark).isoformat(),
        open_days=[*still_open, *new],
    )
    requests = [*_requests(context.instance, new), *retries]
    return _result(remembered, requests, _skip_reason(watermark, before))


def _result(cursor: _Cursor, requests: list[dg.RunRequest], reason_for_none: str) -> dg.SensorResult:
    skip = None if requests else dg.SkipReason(reason_for_none)
    return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=cursor.text())


def _new_days(cursor: _Cursor, watermark: datetime) -> list[str]:
    days = ended_by(watermark)
    if cursor.until is None:
        return days[-1:]
    until = datetime.fromisoformat(cursor.until)
    new: list[str] = []
    for day in reversed(days):
        if end_of(day) <= until:
            break
        new.append(day)
    return new[::-1][:_MOST_REQUESTS]


def _skip_reason(watermark: datetime, before: datetime | None) -> str:
    reached = f"bulk jobs are complete up to {watermark:%Y-%m-%d %H:%M} UTC"
    if before is not None and watermark < before:
        # Reprocessing in Genesys Cloud. What was pulled before is corrected by the refresh plan.
        return f"{reached}, which is less than before ({before:%Y-%m-%d %H:%M}): days already exported stay as they are"
    return f"{reached}: no day has become complete since the last one that was requested"


def _requests(instance: dg.DagsterInstance, new: Sequence[str]) -> list[dg.RunRequest]:
    """Request the days that are not there in full, or on their way, by another route."""
    pulls, runs = latest_pulls(instance, new), new_day_runs(instance, new)
    return [
        request(day, "new day", _run_key(day, 1))
        for day in new
        if not (_is_there(pulls.get(day), day) or any(not _has_failed(run) for run in runs[day]))
    ]


def _retries(
    instance: dg.DagsterInstance, open_days: Sequence[str], now: datetime
) -> tuple[list[str], list[dg.RunRequest]]:
    """The days that are still not there, and requests for those whose runs have failed long enough ago."""
    pulls, runs = latest_pulls(instance, open_days), new_day_runs(instance, open_days)
    still_open = [day for day in open_days if is_partition(day) and not _is_there(pulls.get(day), day)]
    retries = [
        request(day, "new day", _run_key(day, len(runs[day]) + 1))
        for day in still_open
        if _may_try_again(runs[day], now)
    ]
    return still_open, retries


def _may_try_again(runs: Sequence[dg.RunRecord], now: datetime) -> bool:
    if not 0 < len(runs) <= len(_PAUSES) or not all(_has_failed(run) for run in runs):
        return False
    ended = max(run.end_time or run.update_timestamp.timestamp() for run in runs)
    return now.timestamp() >= ended + _PAUSES[len(runs) - 1].total_seconds()


def _is_there(pull: Pull | None, day: str) -> bool:
    return pull is not None and pull.is_complete and pull.known_until >= end_of(day)


def _has_failed(run: dg.RunRecord) -> bool:
    failed: bool = run.dagster_run.is_failure_or_canceled
    return failed


def _run_key(day: str, attempt: int) -> str:
    # The end tells days of the same name apart, should the time zone be changed.
    return f"{day} until {end_of(day).isoformat()}, attempt {attempt}"


def _yesterday(context: dg.ScheduleEvaluationContext, genesys: GenesysResource) -> str | dg.SkipReason:
    days = ended_by(context.scheduled_execution_time)
    if not days:
        return dg.SkipReason("the first day has not ended yet")
    return unconfigured(genesys) or days[-1]


@dg.schedule(
    name="export_yesterday",
    job=EXPORT_JOB,
    cron_schedule="0 5 * * *",
    execution_timezone=PARTITIONS.timezone,
    description=(
        "Exports yesterday at 05:00, unless it is there in full or on its way. An alternative to the sensor "
        "`export_new_days`, or a second line behind it; the only one of the two where there are no bulk jobs."
    ),
)
def export_yesterday(
    context: dg.ScheduleEvaluationContext, genesys: GenesysResource
) -> dg.RunRequest | dg.SkipReason:
    """Request yesterday at a fixed time."""
    day = _yesterday(context, genesys)
    if isinstance(day, dg.SkipReason):
        return day
    requests = _requests(context.instance, [day])
    return requests[0] if requests else dg.SkipReason(f"{day} is there in full, or on its way")


@dg.schedule(
    name="export_yesterday_provisionally",
    job=EXPORT_JOB,
    cron_schedule="10 0 * * *",
    execution_timezone=PARTITIONS.timezone,
    description=(
        "Optional: exports yesterday ten minutes after midnight, before the data lake holds it, from the interactive "
        "query: without participant attributes, at ten times the requests. `export_new_days` replaces it later."
    ),
)
def export_yesterday_provisionally(
    context: dg.ScheduleEvaluationContext, genesys: GenesysResource
) -> dg.RunRequest | dg.SkipReason:
    """Request yesterday right after midnight."""
    day = _yesterday(context, genesys)
    if isinstance(day, dg.SkipReason):
        return day
    return request(day, "provisional", f"{day} until {end_of(day).isoformat()}, provisional")
