"""Late activity: one sweep a day finds the older days whose conversations went on, and exactly those are updated.

The sweep is the asset `late_activity`, requested once its day is there in full, and what it found is put into the
older partitions by runs that ask Genesys Cloud nothing. So a few long e-mail threads, alive on nearly every day of
the past weeks, do not cost a pull of each of these days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from genesys_dagster.assets.late_activity import late_activity
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by, is_partition
from genesys_dagster.automation.export import UPDATE_JOB
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.memory.pulls import ASSET_KEY, LATE_ACTIVITY, days_named, latest_places, latest_pulls
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.asking import ask
from genesys_dagster.memory.wanted.steps import LATE_ACTIVITY as LATE
from genesys_dagster.memory.wanted.steps import SWEEP, Step
from genesys_dagster.memory.wanted.waiting import Waiting
from genesys_dagster.resources import GenesysResource

_LATEST = 7  # days among which the latest complete one is looked for
_SWEEPS_PER_TICK = 50
# How long after a sweep a day is watched that holds what it found: a commit that knows less may still come.
_WATCHED = timedelta(days=31)

SWEEP_JOB = dg.define_asset_job(
    "sweep_late_activity",
    selection=[late_activity],
    description="Finds the older conversations in which something happened on a day.",
)


@dg.sensor(
    name=board.SWEEPS,
    job=SWEEP_JOB,
    minimum_interval_seconds=300,
    default_status=sensor_status(),
    description=(
        "Sweeps each day for late activity in older conversations, once the data lake holds all of it. A sweep that fails "
        "is asked for again after 1, 2, 4, 8 and 16 hours, and made up for by that of the next day. No API requests in ticks."
    ),
)
def sweep_late_activity_daily(
    context: dg.SensorEvaluationContext, genesys: GenesysResource
) -> dg.SensorResult | dg.SkipReason:
    """Request the sweep of the latest day that the data lake holds in full."""
    missing = knowledge.unconfigured(genesys)
    if missing is not None:
        return missing
    instance, now = context.instance, knowledge.now()
    days = ended_by(now)[-_LATEST:]
    pulls = latest_pulls(instance, days)
    complete = [day for day, pull in pulls.items() if pull.is_from_job and pull.known_until >= end_of(day)]
    steps = [_sweep(day) for day in [max(complete, default=None)] if day and not _is_swept(instance, day)]
    asked = ask(instance, board.SWEEPS, steps, now)
    if asked.requests:
        return dg.SensorResult(run_requests=asked.requests)
    if not complete:
        return dg.SkipReason(f"none of the last {_LATEST} days is there in full from the bulk job")
    return dg.SkipReason(asked.words if steps else f"{max(complete)} is swept")


def _sweep(day: str) -> Step:
    return Step(SWEEP, day, f"until {end_of(day).isoformat()}", since=end_of(day))


def _is_swept(instance: dg.DagsterInstance, day: str) -> bool:
    return bool(latest_places(instance, LATE_ACTIVITY, [day]))


@dg.sensor(
    name=board.UPDATES,
    job=UPDATE_JOB,
    minimum_interval_seconds=60,
    default_status=sensor_status(),
    description=(
        "Brings the days up to date in whose conversations the asset `late_activity` found something; an update that brings "
        "nothing is asked for again after 1, 2, 4, 8 and 16 hours and then every day. No API requests, neither in ticks nor "
        "in the runs."
    ),
)
def update_from_late_activity(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request the days that were found and do not hold it yet."""
    waiting, now = Waiting.read(context.cursor), knowledge.now()
    _read_on(context.instance, waiting)
    asked = ask(context.instance, board.UPDATES, list(_steps(context.instance, waiting)), now)
    waiting.forget(now - _WATCHED)
    skip = None if asked.requests else dg.SkipReason(asked.words)
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=waiting.text())


def _read_on(instance: dg.DagsterInstance, waiting: Waiting) -> None:
    wanted = dg.AssetRecordsFilter(LATE_ACTIVITY, after_storage_id=waiting.place)
    for record in instance.fetch_materializations(wanted, _SWEEPS_PER_TICK, ascending=True).records:
        waiting.place = record.storage_id
        if record.partition_key is not None and is_partition(record.partition_key):
            found = filter(is_partition, days_named(record) or ())
            waiting.found(found, end_of(record.partition_key))


def _steps(instance: dg.DagsterInstance, waiting: Waiting) -> Iterator[Step]:
    """The days whose latest commit does not hold what was found, the youngest first; notes which hold it.

    A day that was never exported is the business of new days and backfills.
    """
    places = latest_places(instance, ASSET_KEY, filter(is_partition, waiting.days))
    pulls = latest_pulls(instance, waiting.to_look_at(places))
    for day in sorted(pulls, reverse=True):
        known = waiting.days[day]
        holds_it = pulls[day].active_until.timestamp() >= known.until
        known.held_by = places[day] if holds_it else 0
        if not holds_it:
            until = datetime.fromtimestamp(known.until, UTC)
            yield Step(LATE, day, f"until {until.isoformat()}", since=until)
