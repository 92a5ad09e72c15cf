"""What counts on a day: metrics of the conversations that began on it, and of older ones that went on.

What older conversations did on a day is in its `late_activity`. Where the lake has none (no bulk jobs, or a day that was
never swept), it is looked for among those of the days before that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

import dagster as dg

from genesys_dagster.assets.tables import UPSTREAM, origins_of
from genesys_dagster.assets.terms import window_of
from genesys_dagster.dagster_private import looking_back
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lazy import ds, pa, pc
from genesys_dagster.memory.pulls import LATE_ACTIVITY
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.sql.columns.tables import SESSION_METRICS
from genesys_dagster.sql.table_specs import SPECS

METRICS = "session_metrics"
SPEC = next(spec for spec in SPECS if spec.name == METRICS)

Days: TypeAlias = dict[str, ds.Dataset]
"""Partition key to rows; a partition that is not in the lake is left out."""

_DAYS = dg.DagsterType(lambda _, __: True, name="days_in_the_lake", typing_type=Days)
_SKIP = {"allow_missing_partitions": "silently"}  # the metadata of the figures say what was there


class Older(NamedTuple):
    """What older conversations emitted on a day.

    Attributes:
        rows: Of `session_metrics`.
        days: The days before of which `session_metrics` was read.
        from_late_activity: Whether the rows are those of `late_activity`.
    """

    rows: FrameStream
    days: Sequence[str]
    from_late_activity: bool


def inputs(org: Org, columns: Sequence[str]) -> dict[str, dg.AssetIn]:
    """The inputs of an asset of which a partition holds what counts on its day.

    Args:
        org: Whose.
        columns: Those of `session_metrics` to read.
    """
    days = looking_back(org.figures_days_back)
    metrics = dg.AssetIn(
        org.key(METRICS), {"columns": columns, **_SKIP}, partition_mapping=days, dagster_type=_DAYS
    )
    if not org.has(LATE_ACTIVITY):
        return {METRICS: metrics}
    return {METRICS: metrics, LATE_ACTIVITY: dg.AssetIn(org.key(LATE_ACTIVITY), _SKIP, dagster_type=_DAYS)}


def require(name: str, metrics: Days, days: Sequence[str]) -> None:
    """Looks whether the days themselves are there; those before them need not be.

    Raises:
        dagster.Failure: One is not.
    """
    missing = [day for day in days if day not in metrics]
    if missing:
        raise dg.Failure(
            f"{METRICS} has no {', '.join(missing)} in the lake: materialize it, then {name} again.",
            allow_retries=False,
        )


def older(org: Org, day: str, columns: Sequence[str], metrics: Days, late: ds.Dataset | None) -> Older:
    """What older conversations emitted on a day; nothing is read before the rows are.

    Args:
        org: Whose.
        day: Partition key.
        columns: Of `session_metrics`.
        metrics: Days of `session_metrics`, others than needed among them.
        late: The day of `late_activity`.
    """
    schema = pa.schema([SESSION_METRICS.schema.field(name) for name in columns])
    if late is not None and _is_swept(org, day, late):
        return Older(FrameStream(schema, _of_records(org, day, schema, late)), [], from_late_activity=True)
    first = str(date.fromisoformat(day) - timedelta(days=org.figures_days_back))
    before = {key: rows for key, rows in sorted(metrics.items()) if first <= key < day}
    return Older(FrameStream(schema, _of_days(org, day, schema, before)), [*before], from_late_activity=False)


def _is_swept(org: Org, day: str, late: ds.Dataset) -> bool:
    """Whether a sweep was for the whole day, as its bounds are now: the time zone may have been changed since."""
    from genesys_dagster.lake.reading import facts

    window, swept = org.days.window(day), window_of(facts(late))
    return swept is None or (swept.start <= window.start and swept.end == window.end)


def _of_records(org: Org, day: str, schema: pa.Schema, records: ds.Dataset) -> Iterator[pa.RecordBatch]:
    from genesys_dagster.sql.engine import query
    from genesys_dagster.sql.narrow import narrowed, needed

    rows = narrowed(records, needed(CONVERSATION_COLUMNS.schema, origins_of(SPEC).all()))
    names = ", ".join(schema.names)
    statement = f"SELECT {names} FROM ({SPEC.statement}) WHERE conversation_start < $start"  # noqa: S608 - all ours
    return query(statement, {UPSTREAM: rows}, schema, parameters={"start": org.days.start_of(day)})


def _of_days(
    org: Org, day: str, schema: pa.Schema, metrics: Mapping[str, ds.Dataset]
) -> Iterator[pa.RecordBatch]:
    """The rows of the day alone: what else there is in the days before is not handed over."""
    emitted, kind = pc.field("emit_date"), SESSION_METRICS.schema.field("emit_date").type
    start, end = pa.scalar(org.days.start_of(day), kind), pa.scalar(org.days.end_of(day), kind)
    for rows in metrics.values():
        yield from rows.to_batches(columns=schema.names, filter=(emitted >= start) & (emitted < end))
