"""Days that lie in the lake unchecked: their run died before its checks, or failed on a later day. They are checked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.days import is_partition
from genesys_dagster.automation.export import CHECK_JOB, CHECK_KEYS
from genesys_dagster.automation.settings import sensor_status
from genesys_dagster.memory.pulls import ASSET_KEY, latest_places, pulls_after
from genesys_dagster.memory.wanted import board
from genesys_dagster.memory.wanted.asking import ask
from genesys_dagster.memory.wanted.steps import CHECKS, Step

_EVENTS_PER_TICK = 100


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


@dg.sensor(
    name=board.CHECKS,
    job=CHECK_JOB,
    minimum_interval_seconds=120,
    default_status=sensor_status(),
    description=(
        "Has the days checked that were materialized without their checks being evaluated since. History is left alone. "
        "No API requests, neither in ticks nor in the runs."
    ),
)
def check_days(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request the checks of the days that came without."""
    instance, now = context.instance, knowledge.now()
    cursor = _Cursor.read(context.cursor)
    if cursor is None:
        cursor = _Cursor(_end_of_log(instance))
        return dg.SensorResult(
            skip_reason=dg.SkipReason("looks at what comes from now on"), cursor=cursor.text()
        )
    for place, pull in pulls_after(instance, cursor.place, _EVENTS_PER_TICK):
        cursor.place = place
        if pull is not None and is_partition(pull.day):
            cursor.days[pull.day] = now.isoformat()
    steps = list(_steps(instance, cursor))
    cursor.days = {step.day: cursor.days[step.day] for step in steps}
    asked = ask(instance, board.CHECKS, steps, now)
    skip = None if asked.requests else dg.SkipReason(asked.words)
    return dg.SensorResult(run_requests=asked.requests, skip_reason=skip, cursor=cursor.text())


def _end_of_log(instance: dg.DagsterInstance) -> int:
    records = instance.fetch_materializations(ASSET_KEY, limit=1).records
    return records[0].storage_id if records else 0


def _steps(instance: dg.DagsterInstance, cursor: _Cursor) -> Iterator[Step]:
    """The days of which a check was not evaluated on what lies there now, the youngest first."""
    places = latest_places(instance, ASSET_KEY, filter(is_partition, cursor.days))
    checked = _checked(instance, list(places))
    for day, place in sorted(places.items(), reverse=True):
        if checked.get(day, 0) < place:
            yield Step(
                CHECKS, day, f"of materialization {place}", since=datetime.fromisoformat(cursor.days[day])
            )


def _checked(instance: dg.DagsterInstance, days: list[str]) -> dict[str, int]:
    """Up to which materialization all checks of a day were evaluated."""
    if not days:
        return {}
    infos = instance.event_log_storage.get_asset_check_partition_info(CHECK_KEYS, partition_keys=days)
    by_day: dict[str, list[int]] = {}
    for info in infos:
        if info.partition_key is not None:
            by_day.setdefault(info.partition_key, []).append(
                info.latest_target_materialization_storage_id or 0
            )
    return {day: min(places) for day, places in by_day.items() if len(places) == len(CHECK_KEYS)}
