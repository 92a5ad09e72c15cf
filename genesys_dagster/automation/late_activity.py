"""Late activity: one sweep a day finds the older days whose conversations went on, and exactly those are updated.

The sweep is the asset `late_activity`, requested once its day is there in full, and what it found is put into the
older partitions by runs that ask Genesys Cloud nothing. So a few long e-mail threads, alive on nearly every day of
the past weeks, do not cost a pull of each of these days.
"""

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from genesys_dagster.assets.late_activity import late_activity
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import end_of, ended_by, is_partition
from genesys_dagster.automation.export import UPDATE_JOB, request
from genesys_dagster.automation.runs import days_in_progress
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.pulls import LATE_ACTIVITY, latest_pulls
from genesys_dagster.resources import GenesysResource

_LATEST = 7  # days among which the latest complete one is looked for
_SWEEPS_PER_TICK = 50
_PATIENCE = timedelta(days=1)  # until an update that was requested but did not come is requested again
_MOST_ATTEMPTS = 3

SWEEP_JOB = dg.define_asset_job(
    "sweep_late_activity",
    selection=[late_activity],
    description="Finds the older conversations in which something happened on a day.",
)


@dg.sensor(
    name="sweep_late_activity_daily",
    job=SWEEP_JOB,
    minimum_interval_seconds=300,
    default_status=sensor_status(),
    description=(
        "Sweeps each day for late activity in older conversations, once its own conversations are there in full. A sweep "
        "that fails is made up for by the next. No API requests in ticks."
    ),
)
def sweep_late_activity_daily(
    context: dg.SensorEvaluationContext, genesys: GenesysResource
) -> dg.RunRequest | dg.SkipReason:
    """Request the sweep of the latest day that is there in full."""
    missing = knowledge.unconfigured(genesys)
    if missing is not None:
        return missing
    days = ended_by(knowledge.now())[-_LATEST:]
    pulls = latest_pulls(context.instance, days)
    complete = [day for day, pull in pulls.items() if pull.is_complete and pull.known_until >= end_of(day)]
    if not complete:
        return dg.SkipReason(f"none of the last {_LATEST} days is there in full from the bulk job")
    day = max(complete)
    if context.instance.get_latest_storage_id_by_partition(
        LATE_ACTIVITY, dg.DagsterEventType.ASSET_MATERIALIZATION, {day}
    ):
        return dg.SkipReason(f"{day} is swept")
    return dg.RunRequest(partition_key=day, run_key=f"{day} until {end_of(day).isoformat()}")


@dataclass(slots=True)
class _Waiting:
    """An older day that is to be updated; instants in seconds since 1970."""

    until: float
    requested: float = 0.0
    attempts: int = 0

    def may_be_requested(self, now: datetime) -> bool:
        waited = now.timestamp() - self.requested
        return not self.attempts or (self.attempts < _MOST_ATTEMPTS and waited >= _PATIENCE.total_seconds())


@dataclass(slots=True)
class _Cursor:
    """What the sensor remembers: a place in the event log, and the days that wait for an update."""

    place: int = 0
    waiting: dict[str, _Waiting] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "_Cursor":
        if not text:
            return cls()
        said = json.loads(text)
        return cls(said["place"], {day: _Waiting(*values) for day, values in said["waiting"].items()})

    def text(self) -> str:
        waiting = {day: list(astuple(known)) for day, known in self.waiting.items()}
        return json.dumps({"place": self.place, "waiting": waiting}, separators=(",", ":"))


@dg.sensor(
    name="update_from_late_activity",
    job=UPDATE_JOB,
    minimum_interval_seconds=60,
    default_status=sensor_status(),
    description=(
        "Brings the days up to date in whose conversations the asset `late_activity` found something. No API requests, "
        "neither in ticks nor in the runs."
    ),
)
def update_from_late_activity(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request the days that were found and do not hold it yet."""
    cursor = _Cursor.read(context.cursor)
    _read_on(context.instance, cursor)
    _drop_settled(context.instance, cursor)
    in_progress = days_in_progress(context.instance, cursor.waiting)
    requests = list(_due(cursor, in_progress, knowledge.now()))
    skip = (
        None
        if requests
        else dg.SkipReason(f"{len(cursor.waiting)} days wait for an update, none is to be requested")
    )
    return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=cursor.text())


def _read_on(instance: dg.DagsterInstance, cursor: _Cursor) -> None:
    wanted = dg.AssetRecordsFilter(LATE_ACTIVITY, after_storage_id=cursor.place)
    for record in instance.fetch_materializations(wanted, _SWEEPS_PER_TICK, ascending=True).records:
        cursor.place = record.storage_id
        swept, materialization = record.partition_key, record.asset_materialization
        if swept is None or materialization is None or not is_partition(swept):
            continue
        until = end_of(swept).timestamp()
        days = materialization.metadata["days"].value if "days" in materialization.metadata else ()
        for day in days if isinstance(days, dict) else ():
            if day not in cursor.waiting or cursor.waiting[day].until < until:
                cursor.waiting[day] = _Waiting(until)


def _drop_settled(instance: dg.DagsterInstance, cursor: _Cursor) -> None:
    """Forget the days that hold what was found, by an update or a pull since."""
    pulls = latest_pulls(instance, filter(is_partition, cursor.waiting))
    cursor.waiting = {
        day: known
        for day, known in cursor.waiting.items()
        # A day that was never exported is the business of new days and backfills.
        if day in pulls and pulls[day].active_until.timestamp() < known.until
    }


def _due(cursor: _Cursor, in_progress: set[str], now: datetime) -> Iterator[dg.RunRequest]:
    for day in sorted(cursor.waiting, reverse=True):
        known = cursor.waiting[day]
        # Whatever is under way may replace what an update writes, or the other way round: one after the other.
        if day not in in_progress and known.may_be_requested(now):
            known.requested, known.attempts = now.timestamp(), known.attempts + 1
            until = datetime.fromtimestamp(known.until, now.tzinfo).isoformat()
            yield request(day, "late activity", f"{day} until {until}, attempt {known.attempts}")
