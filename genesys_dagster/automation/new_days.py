"""New days: each is exported as soon as the data lake holds all of it, and asked for again as long as it is not there.

`export_new_days` (a sensor on the jobs' watermark) is the default, `export_user_status` the same for user status; `export_yesterday` (a schedule) is for who wants
a fixed time, or has no bulk jobs; `export_yesterday_provisionally` is for who cannot wait for the watermark.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import dagster as dg

from genesys_dagster import telemetry
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.asking import PROVISIONAL, ask, request, request_of
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.automation.kept import still_kept
from genesys_dagster.automation.knowledge import Reach, unconfigured
from genesys_dagster.automation.ticks import sensor
from genesys_dagster.genesys import details
from genesys_dagster.genesys.details import Details
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.memory import pulls
from genesys_dagster.memory.notes import CARE_SINCE, note, recall
from genesys_dagster.memory.pulls import Family, Pull, latest_pulls
from genesys_dagster.memory.runs import days_in_progress
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.attempts import wishes
from genesys_dagster.memory.wanted.new_days import NewDays
from genesys_dagster.memory.wanted.steps import NEW_DAY, NEW_STATUS, Step
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource


class Wanted(NamedTuple):
    """Which days a sensor brings.

    Attributes:
        family: Of which assets.
        details: What they are made of, with a watermark of its own.
        asker: Its list of what is wanted.
        kind: Of the steps.
    """

    family: Family
    details: Details
    asker: str
    kind: str


_CONVERSATIONS = Wanted(pulls.CONVERSATIONS, details.CONVERSATIONS, board.NEW_DAYS, NEW_DAY)
_USER_STATUS = Wanted(pulls.USER_STATUS, details.USERS, board.NEW_STATUS, NEW_STATUS)

_MOST_NEW = 50  # per tick: after months without the daemon, the rest follows in the next ticks


def export_new_days(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that requests the days that the watermark has passed and that are not there."""
    return sensor(
        jobs.org,
        board.NEW_DAYS,
        jobs.export,
        lambda context: _tick(context, jobs.org, _CONVERSATIONS),
        every=300,
        description="Exports each day as soon as Genesys Cloud's data lake holds all of it (`jobs/availability`). A day that is not "
        "there is asked for again after 1, 2, 4, 8 and 16 hours and then every day, as long as it is not there. Starts with "
        "the latest complete day and the holes of the month before: backfill what lies before. At most one API request per "
        "tick, none while no day waits.",
    )


def export_user_status(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that does the same for user status, behind the users' own watermark."""
    return sensor(
        jobs.org,
        board.NEW_STATUS,
        jobs.user_status,
        lambda context: _tick(context, jobs.org, _USER_STATUS),
        every=300,
        description="Exports each day of user status as soon as Genesys Cloud's data lake holds all of it (the users' own "
        "`jobs/availability`), as `export_new_days` does for conversations. Without the permission it says so and asks for "
        "nothing.",
    )


def _tick(context: dg.SensorEvaluationContext, org: Org, wanted: Wanted) -> dg.SensorResult | dg.SkipReason:
    genesys = knowledge.resource(context, org)
    memory, now = NewDays.read(context.cursor), knowledge.now()
    memory = replace(memory, open_days=list(filter(org.days.is_partition, memory.open_days)))
    memory = _look_for_holes(context.instance, org, memory, now, wanted.family)
    found = latest_pulls(context.instance, org, memory.open_days, wanted.family.pulled)
    # The watermark is never ahead of the clock: it is asked for only while a day that has ended waits for it, or to
    # know whether what the query brought can be all there is.
    reach, words = None, "no day has ended since the last one that was taken up"
    if _new_days(org, memory, now) or any(
        _is_all_of_the_query(org, pull, genesys) for pull in found.values()
    ):
        try:
            reach = knowledge.reach(genesys, wanted.details)
        except GenesysError as error:
            # Nothing is remembered: the next tick stands where this one stood.
            return dg.SkipReason(str(error))
        words = _in_words(memory, reach.until)
        memory = _taken_up(context.instance, org, memory, reach.until, now, family=wanted.family)
        found = latest_pulls(context.instance, org, memory.open_days, wanted.family.pulled)
    memory = replace(memory, open_days=_not_there(org, memory.open_days, found, reach))
    if memory.since and wanted is _CONVERSATIONS:
        note(context.instance, org, CARE_SINCE, memory.since)
    kept = still_kept(
        context.instance, org, genesys, (_step(org, day, wanted.kind) for day in memory.open_days), now
    )
    _tell_lag(org, wanted, memory, [step.day for step in kept.steps])
    asked = ask(context.instance, org, wanted.asker, kept.steps, now, family=wanted.family)
    skip = (
        None if asked.requests else dg.SkipReason("; ".join(filter(None, [words, asked.words, kept.words])))
    )
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=memory.text())


def _tell_lag(org: Org, wanted: Wanted, memory: NewDays, missing: list[str]) -> None:
    """From the first day that is not there, else from the next one, to the watermark as far as it is known."""
    if memory.watermark and memory.until:
        begin = org.days.start_of(min(missing)) if missing else datetime.fromisoformat(memory.until)
        behind = datetime.fromisoformat(memory.watermark) - begin
        telemetry.lag(org.name or "", wanted.details.family, max(0.0, behind.total_seconds()))


def _step(org: Org, day: str, kind: str = NEW_DAY) -> Step:
    # The end tells days of the same name apart, should the time zone be changed.
    end = org.days.end_of(day)
    return Step(kind, day, f"until {end.isoformat()}", since=end)


def _taken_up(  # noqa: PLR0913 - whose days, and how far
    instance: dg.DagsterInstance,
    org: Org,
    memory: NewDays,
    watermark: datetime,
    now: datetime,
    *,
    family: Family,
) -> NewDays:
    """The memory with the days that the watermark has passed; at the first tick with the holes before."""
    new = _new_days(org, memory, watermark)
    before = datetime.fromisoformat(memory.watermark) if memory.watermark else watermark
    is_first = memory.until is None
    memory = replace(
        memory,
        until=org.days.end_of(new[-1]).isoformat() if new else memory.until,
        watermark=max(watermark, before).isoformat(),
        open_days=[*memory.open_days, *new],
    )
    return _look_for_holes(instance, org, memory, now, family) if is_first else memory


def _look_for_holes(
    instance: dg.DagsterInstance, org: Org, memory: NewDays, now: datetime, family: Family
) -> NewDays:
    """Once a day: take up the days that should be there and were never pulled, whatever became of them."""
    today = now.date()
    if memory.until is None or memory.looked == today.isoformat():
        return memory
    days = org.days.ended_by(datetime.fromisoformat(memory.until))
    if not days:
        return memory
    return memory.with_holes(days, instance.get_materialized_partitions(org.key(family.pulled)), today)


def _new_days(org: Org, memory: NewDays, watermark: datetime) -> list[str]:
    days = org.days.ended_by(watermark)
    if memory.until is None:
        return days[-1:]
    until = datetime.fromisoformat(memory.until)
    new: list[str] = []
    for day in reversed(days):
        if org.days.end_of(day) <= until:
            break
        new.append(day)
    return new[::-1][:_MOST_NEW]


def _not_there(org: Org, days: Iterable[str], pulls: Mapping[str, Pull], reach: Reach | None) -> list[str]:
    has_jobs = reach is None or reach.has_jobs
    return [
        day
        for day in dict.fromkeys(days)
        if day not in pulls or not pulls[day].covers(org.days.end_of(day), has_jobs=has_jobs)
    ]


def _is_all_of_the_query(org: Org, pull: Pull, genesys: GenesysResource) -> bool:
    """Whether it depends on the org having no bulk jobs that the day is there."""
    return (
        genesys.source != "job"
        and not pull.is_from_job
        and pull.covers(org.days.end_of(pull.day), has_jobs=False)
    )


def _in_words(memory: NewDays, watermark: datetime) -> str:
    before = datetime.fromisoformat(memory.watermark) if memory.watermark else None
    reached = f"bulk jobs are complete up to {watermark:%Y-%m-%d %H:%M} UTC"
    if before is not None and watermark < before:
        # Reprocessing in Genesys Cloud. What was pulled before is corrected by the refresh plan.
        return f"{reached}, which is less than before ({before:%Y-%m-%d %H:%M}): days already exported stay as they are"
    return f"{reached}: no day has become complete since the last one that was taken up"


def export_yesterday(jobs: Jobs) -> dg.ScheduleDefinition:
    """The schedule that requests yesterday at a fixed time."""
    return _schedule(
        jobs,
        "export_yesterday",
        "0 5 * * *",
        _if_not_there,
        "Exports yesterday at 05:00, unless it is there in full or on its way. An alternative to the sensor "
        "`export_new_days`, or a second line behind it; the only one of the two where there are no bulk jobs.",
    )


def export_yesterday_provisionally(jobs: Jobs) -> dg.ScheduleDefinition:
    """The schedule that requests yesterday right after midnight."""
    return _schedule(
        jobs,
        "export_yesterday_provisionally",
        "10 0 * * *",
        _in_any_case,
        "Optional: exports yesterday ten minutes after midnight, before the data lake holds it, from the interactive query: "
        "without participant attributes, at ten times the requests. `export_new_days` replaces it later.",
    )


def _schedule(
    jobs: Jobs, name: str, cron: str, ask: Callable[..., dg.RunRequest | dg.SkipReason], description: str
) -> dg.ScheduleDefinition:
    org = jobs.org

    @dg.schedule(
        name=org.label(name),
        job=jobs.export,
        cron_schedule=cron,
        execution_timezone=org.days.timezone,
        required_resource_keys={org.genesys},
        description=description,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = _yesterday(context, org)
        return day if isinstance(day, dg.SkipReason) else ask(context, org, day)

    return schedule


def _in_any_case(_: dg.ScheduleEvaluationContext, org: Org, day: str) -> dg.RunRequest:
    return request(org, day, PROVISIONAL, f"{day} until {org.days.end_of(day).isoformat()}, provisional")


def _yesterday(context: dg.ScheduleEvaluationContext, org: Org) -> str | dg.SkipReason:
    days = org.days.ended_by(context.scheduled_execution_time)
    if not days:
        return dg.SkipReason("the first day has not ended yet")
    return unconfigured(context, org) or days[-1]


def _if_not_there(context: dg.ScheduleEvaluationContext, org: Org, day: str) -> dg.RunRequest | dg.SkipReason:
    instance = context.instance
    if not recall(instance, org, CARE_SINCE):
        note(instance, org, CARE_SINCE, day)
    reach = Reach(org.days.end_of(day), has_jobs=knowledge.resource(context, org).source != "query")
    if not _not_there(org, [day], latest_pulls(instance, org, [day]), reach):
        return dg.SkipReason(f"{day} is there in full")
    (wish,) = wishes(instance, org, [_step(org, day)])
    if wish.attempts.is_under_way or days_in_progress(instance, org, [day]):
        return dg.SkipReason(f"{day} is on its way")
    return request_of(org, wish)
