"""New days: each is exported as soon as the data lake holds all of it, and asked for again as long as it is not there.

`export_new_days` (a sensor on the jobs' watermark) is the default; `export_yesterday` (a schedule) is for who wants
a fixed time, or has no bulk jobs; `export_yesterday_provisionally` is for who cannot wait for the watermark.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by, is_partition
from genesys_dagster.automation.export import EXPORT_JOB
from genesys_dagster.automation.kept import still_kept
from genesys_dagster.automation.knowledge import Reach, unconfigured
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.memory.notes import CARE_SINCE, note, recall
from genesys_dagster.memory.pulls import ASSET_KEY, Pull, latest_pulls
from genesys_dagster.memory.runs import days_in_progress
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.asking import PROVISIONAL, ask, request, request_of
from genesys_dagster.memory.wanted.attempts import wishes
from genesys_dagster.memory.wanted.new_days import NewDays
from genesys_dagster.memory.wanted.steps import NEW_DAY, Step
from genesys_dagster.resources import GenesysResource

_MOST_NEW = 50  # per tick: after months without the daemon, the rest follows in the next ticks


@dg.sensor(
    name=board.NEW_DAYS,
    job=EXPORT_JOB,
    minimum_interval_seconds=300,
    default_status=sensor_status(),
    description=(
        "Exports each day as soon as Genesys Cloud's data lake holds all of it (`jobs/availability`). A day that is not "
        "there is asked for again after 1, 2, 4, 8 and 16 hours and then every day, as long as it is not there. Starts with "
        "the latest complete day and the holes of the month before: backfill what lies before. At most one API request per "
        "tick, none while no day waits."
    ),
)
def export_new_days(
    context: dg.SensorEvaluationContext, genesys: GenesysResource
) -> dg.SensorResult | dg.SkipReason:
    """Request the days that the watermark has passed and that are not there."""
    missing = unconfigured(genesys)
    if missing is not None:
        return missing
    memory, now = NewDays.read(context.cursor), knowledge.now()
    memory = replace(memory, open_days=list(filter(is_partition, memory.open_days)))
    memory = _look_for_holes(context.instance, memory, now)
    pulls = latest_pulls(context.instance, memory.open_days)
    # The watermark is never ahead of the clock: it is asked for only while a day that has ended waits for it, or to
    # know whether what the query brought can be all there is.
    reach, words = None, "no day has ended since the last one that was taken up"
    if _new_days(memory, now) or any(_is_all_of_the_query(pull, genesys) for pull in pulls.values()):
        try:
            reach = knowledge.reach(genesys)
        except GenesysError as error:
            # Nothing is remembered: the next tick stands where this one stood.
            return dg.SkipReason(str(error))
        words = _in_words(memory, reach.until)
        memory = _taken_up(context.instance, memory, reach.until, now)
        pulls = latest_pulls(context.instance, memory.open_days)
    memory = replace(memory, open_days=_not_there(memory.open_days, pulls, reach))
    if memory.since:
        note(context.instance, CARE_SINCE, memory.since)
    kept = still_kept(context.instance, genesys, map(_step, memory.open_days), now)
    asked = ask(context.instance, board.NEW_DAYS, kept.steps, now)
    skip = (
        None if asked.requests else dg.SkipReason("; ".join(filter(None, [words, asked.words, kept.words])))
    )
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=memory.text())


def _step(day: str) -> Step:
    # The end tells days of the same name apart, should the time zone be changed.
    return Step(NEW_DAY, day, f"until {end_of(day).isoformat()}", since=end_of(day))


def _taken_up(instance: dg.DagsterInstance, memory: NewDays, watermark: datetime, now: datetime) -> NewDays:
    """The memory with the days that the watermark has passed; at the first tick with the holes before."""
    new = _new_days(memory, watermark)
    before = datetime.fromisoformat(memory.watermark) if memory.watermark else watermark
    is_first = memory.until is None
    memory = replace(
        memory,
        until=end_of(new[-1]).isoformat() if new else memory.until,
        watermark=max(watermark, before).isoformat(),
        open_days=[*memory.open_days, *new],
    )
    return _look_for_holes(instance, memory, now) if is_first else memory


def _look_for_holes(instance: dg.DagsterInstance, memory: NewDays, now: datetime) -> NewDays:
    """Once a day: take up the days that should be there and were never pulled, whatever became of them."""
    today = now.date()
    if memory.until is None or memory.looked == today.isoformat():
        return memory
    days = ended_by(datetime.fromisoformat(memory.until))
    if not days:
        return memory
    return memory.with_holes(days, instance.get_materialized_partitions(ASSET_KEY), today)


def _new_days(memory: NewDays, watermark: datetime) -> list[str]:
    days = ended_by(watermark)
    if memory.until is None:
        return days[-1:]
    until = datetime.fromisoformat(memory.until)
    new: list[str] = []
    for day in reversed(days):
        if end_of(day) <= until:
            break
        new.append(day)
    return new[::-1][:_MOST_NEW]


def _not_there(days: Iterable[str], pulls: Mapping[str, Pull], reach: Reach | None) -> list[str]:
    has_jobs = reach is None or reach.has_jobs
    return [
        day
        for day in dict.fromkeys(days)
        if day not in pulls or not pulls[day].covers(end_of(day), has_jobs=has_jobs)
    ]


def _is_all_of_the_query(pull: Pull, genesys: GenesysResource) -> bool:
    """Whether it depends on the org having no bulk jobs that the day is there."""
    return genesys.source != "job" and not pull.is_from_job and pull.covers(end_of(pull.day), has_jobs=False)


def _in_words(memory: NewDays, watermark: datetime) -> str:
    before = datetime.fromisoformat(memory.watermark) if memory.watermark else None
    reached = f"bulk jobs are complete up to {watermark:%Y-%m-%d %H:%M} UTC"
    if before is not None and watermark < before:
        # Reprocessing in Genesys Cloud. What was pulled before is corrected by the refresh plan.
        return f"{reached}, which is less than before ({before:%Y-%m-%d %H:%M}): days already exported stay as they are"
    return f"{reached}: no day has become complete since the last one that was taken up"


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
    if not recall(context.instance, CARE_SINCE):
        note(context.instance, CARE_SINCE, day)
    pulls = latest_pulls(context.instance, [day])
    if not _not_there([day], pulls, Reach(end_of(day), has_jobs=genesys.source != "query")):
        return dg.SkipReason(f"{day} is there in full")
    (wish,) = wishes(context.instance, [_step(day)])
    if wish.attempts.is_under_way or days_in_progress(context.instance, [day]):
        return dg.SkipReason(f"{day} is on its way")
    return request_of(wish)


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
    return request(day, PROVISIONAL, f"{day} until {end_of(day).isoformat()}, provisional")
