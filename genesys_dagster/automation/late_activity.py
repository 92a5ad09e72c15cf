"""Late activity: one sweep a day finds the older days whose conversations went on, and exactly those are updated.

The sweep is the asset `late_activity`, requested once its day is there in full, and what it found is put into the
older partitions by runs that ask Genesys Cloud nothing. So a few long e-mail threads, alive on nearly every day of
the past weeks, do not cost a pull of each of these days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.asking import ask
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.automation.ticks import sensor
from genesys_dagster.memory.pulls import (
    CONVERSATIONS,
    LATE_ACTIVITY,
    USER_STATUS,
    Family,
    days_named,
    latest_places,
    latest_pulls,
)
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.steps import LATE_ACTIVITY as LATE
from genesys_dagster.memory.wanted.steps import LATE_STATUS, SWEEP, Step
from genesys_dagster.memory.wanted.waiting import Waiting
from genesys_dagster.org.org import Org


class Updates(NamedTuple):
    """Which days a sensor brings up to date.

    Attributes:
        family: Of which assets.
        asker: Its list of what is wanted.
        kind: Of the steps.
    """

    family: Family
    asker: str
    kind: str


_CONVERSATIONS = Updates(CONVERSATIONS, board.UPDATES, LATE)
_USER_STATUS = Updates(USER_STATUS, board.STATUS_UPDATES, LATE_STATUS)

_LATEST = 7  # days among which the latest complete one is looked for
_SWEEPS_PER_TICK = 50
# How long after a sweep a day is watched that holds what it found: a commit that knows less may still come.
_WATCHED = timedelta(days=31)


def sweep_late_activity_daily(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that requests the sweep of the latest day that the data lake holds in full."""
    return sensor(
        jobs.org,
        board.SWEEPS,
        jobs.sweep,
        lambda context: _sweep_tick(context, jobs.org),
        every=300,
        description="Sweeps each day for late activity in older conversations, once the data lake holds all of it. A sweep that fails "
        "is asked for again after 1, 2, 4, 8 and 16 hours, and made up for by that of the next day. No API requests in ticks.",
    )


def _sweep_tick(context: dg.SensorEvaluationContext, org: Org) -> dg.SensorResult | dg.SkipReason:
    instance, now = context.instance, knowledge.now()
    days = org.days.ended_by(now)[-_LATEST:]
    pulls = latest_pulls(instance, org, days)
    complete = [
        day for day, pull in pulls.items() if pull.is_from_job and pull.known_until >= org.days.end_of(day)
    ]
    latest = max(complete, default=None)
    steps = [_sweep(org, latest)] if latest and not _is_swept(instance, org, latest) else []
    asked = ask(instance, org, board.SWEEPS, steps, now)
    if asked.requests:
        return dg.SensorResult(run_requests=asked.requests)
    if not complete:
        return dg.SkipReason(f"none of the last {_LATEST} days is there in full from the bulk job")
    return dg.SkipReason(asked.words if steps else f"{max(complete)} is swept")


def _sweep(org: Org, day: str) -> Step:
    end = org.days.end_of(day)
    return Step(SWEEP, day, f"until {end.isoformat()}", since=end)


def _is_swept(instance: dg.DagsterInstance, org: Org, day: str) -> bool:
    return bool(latest_places(instance, org.key(LATE_ACTIVITY), [day]))


def update_from_late_activity(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that requests the days that were found and do not hold it yet."""
    return sensor(
        jobs.org,
        board.UPDATES,
        jobs.update,
        lambda context: _update_tick(context, jobs.org, _CONVERSATIONS),
        every=60,
        description="Brings the days up to date in whose conversations the asset `late_activity` found something; an update that brings "
        "nothing is asked for again after 1, 2, 4, 8 and 16 hours and then every day. No API requests, neither in ticks nor "
        "in the runs.",
        asks=False,
    )


def update_user_status(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that does the same for user status: ends of periods that began on days before."""
    return sensor(
        jobs.org,
        board.STATUS_UPDATES,
        jobs.update_status,
        lambda context: _update_tick(context, jobs.org, _USER_STATUS),
        every=60,
        description="Puts the ends of periods that `late_user_status` has brought into the days on which those began. No API "
        "requests, neither in ticks nor in the runs.",
        asks=False,
    )


def _update_tick(context: dg.SensorEvaluationContext, org: Org, updates: Updates) -> dg.SensorResult:
    waiting, now = Waiting.read(context.cursor), knowledge.now()
    _read_on(context.instance, org, waiting, updates.family)
    steps = list(_steps(context.instance, org, waiting, updates))
    asked = ask(context.instance, org, updates.asker, steps, now, family=updates.family)
    waiting.forget(now - _WATCHED)
    skip = None if asked.requests else dg.SkipReason(asked.words)
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=waiting.text())


def _read_on(instance: dg.DagsterInstance, org: Org, waiting: Waiting, family: Family) -> None:
    wanted = dg.AssetRecordsFilter(org.key(family.late), after_storage_id=waiting.place)
    for record in instance.fetch_materializations(wanted, _SWEEPS_PER_TICK, ascending=True).records:
        waiting.place = record.storage_id
        day = record.partition_key
        if day is not None and org.days.is_partition(day):
            waiting.found(filter(org.days.is_partition, days_named(record) or ()), org.days.end_of(day))


def _steps(instance: dg.DagsterInstance, org: Org, waiting: Waiting, updates: Updates) -> Iterator[Step]:
    """The days whose latest commit does not hold what was found, the youngest first; notes which hold it.

    A day that was never exported is the business of new days and backfills.
    """
    asset = updates.family.updated
    places = latest_places(instance, org.key(asset), filter(org.days.is_partition, waiting.days))
    pulls = latest_pulls(instance, org, waiting.to_look_at(places), asset)
    for day in sorted(pulls, reverse=True):
        known = waiting.days[day]
        holds_it = pulls[day].active_until.timestamp() >= known.until
        known.held_by = places[day] if holds_it else 0
        if not holds_it:
            until = datetime.fromtimestamp(known.until, UTC)
            yield Step(updates.kind, day, f"until {until.isoformat()}", since=until)
