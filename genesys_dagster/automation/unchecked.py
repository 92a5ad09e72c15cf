"""Days that lie in the lake unchecked: their run died before its checks, or failed on a later day. They are checked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.asking import ask
from genesys_dagster.automation.jobs import Jobs
from genesys_dagster.automation.ticks import sensor
from genesys_dagster.dagster_private import checked_places
from genesys_dagster.memory.pulls import (
    CONVERSATIONS,
    USER_STATUS,
    Family,
    latest_places,
    pulls_after,
)
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.steps import CHECKS, Step
from genesys_dagster.org.org import Org

_EVENTS_PER_TICK = 100


class Watched(NamedTuple):
    """What a sensor has checked.

    Attributes:
        family: Whose days.
        asker: Its list of what is wanted.
        keys: The checks, of whichever of the family's assets.
    """

    family: Family
    asker: str
    keys: list[dg.AssetCheckKey]


@dataclass(slots=True)
class _Cursor:
    """What the sensor remembers: a place in the event log, and since when some days are perhaps unchecked (ISO 8601)."""

    place: int
    days: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "_Cursor | None":
        return cls(**json.loads(text)) if text else None

    def text(self) -> str:
        return json.dumps({"place": self.place, "days": self.days}, separators=(",", ":"))


def check_days(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that requests the checks of the days that came without."""
    return sensor(
        jobs.org,
        board.CHECKS,
        jobs.check,
        lambda context: _tick(context, jobs.org, Watched(CONVERSATIONS, board.CHECKS, jobs.check_keys)),
        every=120,
        description="Has the days checked that were materialized without their checks being evaluated since. History is left alone. No "
        "API requests, neither in ticks nor in the runs.",
        asks=False,
    )


def check_user_status(jobs: Jobs) -> dg.SensorDefinition:
    """The sensor that does the same for user status."""
    watched = Watched(USER_STATUS, board.STATUS_CHECKS, jobs.status_check_keys)
    return sensor(
        jobs.org,
        board.STATUS_CHECKS,
        jobs.check_status,
        lambda context: _tick(context, jobs.org, watched),
        every=120,
        description="Has the days of user status checked that were materialized without their checks being evaluated since. No "
        "API requests, neither in ticks nor in the runs.",
        asks=False,
    )


def _tick(context: dg.SensorEvaluationContext, org: Org, watched: Watched) -> dg.SensorResult:
    instance, now = context.instance, knowledge.now()
    cursor = _Cursor.read(context.cursor)
    if cursor is None:
        cursor = _Cursor(_end_of_log(instance, org.key(watched.family.updated)))
        return dg.SensorResult(
            skip_reason=dg.SkipReason("looks at what comes from now on"), cursor=cursor.text()
        )
    for place, pull in pulls_after(instance, org, cursor.place, _EVENTS_PER_TICK, watched.family.updated):
        cursor.place = place
        if pull is not None and org.days.is_partition(pull.day):
            cursor.days[pull.day] = now.isoformat()
    steps = list(_steps(instance, org, cursor, watched.keys))
    cursor.days = {step.day: cursor.days[step.day] for step in steps}
    asked = ask(instance, org, watched.asker, steps, now, family=watched.family)
    skip = None if asked.requests else dg.SkipReason(asked.words)
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=cursor.text())


def _end_of_log(instance: dg.DagsterInstance, asset: dg.AssetKey) -> int:
    records = instance.fetch_materializations(asset, limit=1).records
    return records[0].storage_id if records else 0


def _steps(
    instance: dg.DagsterInstance, org: Org, cursor: _Cursor, keys: list[dg.AssetCheckKey]
) -> Iterator[Step]:
    """The days of which a check was not evaluated on what lies there now, the youngest first."""
    days = list(filter(org.days.is_partition, cursor.days))
    unchecked: dict[str, int] = {}
    for asset in {key.asset_key for key in keys}:
        places = latest_places(instance, asset, days)
        checked = _checked(instance, [key for key in keys if key.asset_key == asset], list(places))
        for day, place in places.items():
            if checked.get(day, 0) < place:
                unchecked[day] = max(place, unchecked.get(day, 0))
    for day, place in sorted(unchecked.items(), reverse=True):
        since = datetime.fromisoformat(cursor.days[day])
        yield Step(CHECKS, day, f"of materialization {place}", since=since)


def _checked(instance: dg.DagsterInstance, keys: list[dg.AssetCheckKey], days: list[str]) -> dict[str, int]:
    """Up to which materialization all checks of a day were evaluated."""
    if not days:
        return {}
    by_day = checked_places(instance, keys, days)
    return {day: min(places) for day, places in by_day.items() if len(places) == len(keys)}
