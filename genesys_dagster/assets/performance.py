"""The performance figures: how queues and agents did, day by day, and queues week by week."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM, follow_emitted
from genesys_dagster.assets.define import asset, daily, made_by
from genesys_dagster.assets.emitted import METRICS, SPEC, Days, inputs, older, require
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.assets.named import or_nothing
from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster.assets.tables import each, origins_of
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lazy import ds, pc
from genesys_dagster.memory.pulls import DETAILS, LATE_ACTIVITY
from genesys_dagster.org.org import Org
from genesys_dagster.sql import load
from genesys_dagster.sql.columns.figures import (
    AGENT_PERFORMANCE,
    QUEUE_PERFORMANCE,
    QUEUE_PERFORMANCE_WEEKLY,
)
from genesys_dagster.sql.columns.tables import SESSION_METRICS
from genesys_dagster.sql.origin import Found, Origin

if TYPE_CHECKING:
    from genesys_dagster.sql.engine import Source

_log = logging.getLogger(__name__)

OLDER = "older_metrics"
"""What the statements call the metrics of older conversations."""

_COLUMNS = {
    "queue_performance": QUEUE_PERFORMANCE,
    "agent_performance": AGENT_PERFORMANCE,
    "queue_performance_weekly": QUEUE_PERFORMANCE_WEEKLY,
}
_READS = {
    "queue_performance": (METRICS, OLDER, "queues"),
    "agent_performance": (METRICS, OLDER, "users"),
    "queue_performance_weekly": ("queue_performance",),
}
_UPSTREAM = {
    METRICS: SESSION_METRICS.names,
    OLDER: SESSION_METRICS.names,
    "queues": ["id", "name", "unknown_fields"],
    "users": ["id", "name"],
    "queue_performance": QUEUE_PERFORMANCE.names,
}
_OF_METRICS = {
    "queue_performance": ["queue_id", "media_type", "direction", "name", "value", "emit_date"],
    "agent_performance": ["user_id", "media_type", "name", "value", "emit_date"],
}
_STATEMENTS = {name: load("performance", name) for name in _COLUMNS}

_WHEN = """
A metric counts when Genesys Cloud emitted it, as in Genesys Cloud's own views. A partition holds all that was emitted on
its day: by the conversations that began on it, and by older ones (from `late_activity`, else from the days before that are
in the lake; the metadata say from which). Definitions and sources: docs/metrics.md.
"""

QUEUE_DESCRIPTION = f"""\
How queues did: volumes, service level, answer, abandon and handle times, transfers, by half hour, queue, media type and
direction.
{_WHEN}"""

AGENT_DESCRIPTION = f"""\
How agents did: alerts, handle time and its parts, transfers, outbound, by day, agent and media type.
{_WHEN}"""

WEEKLY_DESCRIPTION = """\
`queue_performance` rolled up to weeks from Monday on: a partition is a week, made of its seven days. Counts and totals add
up, means and rates are made from them again.
"""


def performance(org: Org) -> list[dg.AssetsDefinition]:
    """The assets, for an org."""
    return [_queue_performance(org), _agent_performance(org), _queue_performance_weekly(org)]


def _queue_performance(org: Org) -> dg.AssetsDefinition:
    name, entity = "queue_performance", "queues"

    @daily(org, _of_day(org, name, QUEUE_DESCRIPTION), ins=_ins(org, name, entity))
    def queue_performance(
        context: dg.AssetExecutionContext,
        config: ServiceLevelConfig,
        session_metrics: Days,
        queues: ds.Dataset | None,
        **late: Days,
    ) -> dg.Output[Any]:
        names = {entity: or_nothing(queues, entity, _UPSTREAM[entity])}
        return _by_day(org, name, context.partition_keys, session_metrics, late, names, config.parameters())

    return queue_performance


def _agent_performance(org: Org) -> dg.AssetsDefinition:
    name, entity = "agent_performance", "users"

    @daily(org, _of_day(org, name, AGENT_DESCRIPTION), ins=_ins(org, name, entity))
    def agent_performance(
        context: dg.AssetExecutionContext, session_metrics: Days, users: ds.Dataset | None, **late: Days
    ) -> dg.Output[Any]:
        names = {entity: or_nothing(users, entity, _UPSTREAM[entity])}
        return _by_day(org, name, context.partition_keys, session_metrics, late, names, {})

    return agent_performance


def _queue_performance_weekly(org: Org) -> dg.AssetsDefinition:
    # Dagster maps a week to the days in it by itself, as both are windows of time; all seven must be there.
    days = dg.AssetIn(org.key("queue_performance"), partition_mapping=dg.TimeWindowPartitionMapping())

    @asset(
        org,
        made_by(
            org,
            "queue_performance_weekly",
            WEEKLY_DESCRIPTION,
            QUEUE_PERFORMANCE_WEEKLY,
            FOLLOW_UPSTREAM,
            _STATEMENTS["queue_performance_weekly"],
        ),
        partitions_def=org.days.weeks(),
        ins={"queue_performance": days},
    )
    def queue_performance_weekly(queue_performance: Days) -> FrameStream:
        from genesys_dagster.sql.figures import rows_of_days

        days = FrameStream(QUEUE_PERFORMANCE.schema, rows_of_days(queue_performance, QUEUE_PERFORMANCE.names))
        return _figures(org, "queue_performance_weekly", {"queue_performance": days}, {})

    return queue_performance_weekly


def _of_day(org: Org, name: str, description: str) -> dg.AssetSpec:
    """The spec of a daily figure. A queue's new name is no reason to compute years of days again: it follows no names."""
    late = org.key(LATE_ACTIVITY) if org.has(LATE_ACTIVITY) else None
    condition = follow_emitted(org.key(METRICS), org.key(DETAILS), late)
    return made_by(org, name, description, _COLUMNS[name], condition, _STATEMENTS[name], SPEC.statement)


def _ins(org: Org, name: str, entity: str) -> dict[str, dg.AssetIn]:
    snapshot = dg.AssetIn(org.key(entity), metadata={"columns": _UPSTREAM[entity]})
    return {**inputs(org, _OF_METRICS[name]), entity: snapshot}


def _by_day(  # noqa: PLR0913, PLR0917 - what a day is made of
    org: Org,
    name: str,
    days: Sequence[str],
    metrics: Days,
    late: Mapping[str, Days],
    names: "Mapping[str, Source]",
    parameters: Mapping[str, Any],
) -> dg.Output[Any]:
    """A value per day of the run; `late` is `late_activity` by the name of the input, empty for an org without."""
    require(name, metrics, days)

    def day(key: str) -> FrameStream:
        before = older(org, key, _OF_METRICS[name], metrics, late.get(LATE_ACTIVITY, {}).get(key))
        bounds = {"day_start": org.days.start_of(key), "day_end": org.days.end_of(key)}
        return _figures(
            org,
            name,
            {METRICS: metrics[key], OLDER: before.rows, **names},
            {"timezone": org.days.timezone, **bounds, **parameters},
            lambda: {
                "days_read": dg.MetadataValue.json([*before.days, key]),
                "late_activity_read": before.from_late_activity,
                "metrics_left_out": _left_out(name, metrics[key]),
            },
        )

    return each(days, day)


def _figures(
    org: Org,
    name: str,
    sources: "Mapping[str, Source]",
    parameters: Mapping[str, Any],
    more: Callable[[], Mapping[str, Any]] = dict,
) -> FrameStream:
    from genesys_dagster.sql.engine import query

    schema, late = _COLUMNS[name].schema, org.has(LATE_ACTIVITY)

    def metadata() -> Mapping[str, Any]:
        return {
            **lineage_metadata(org.key, made_of(name, late=late), made_of_in_the_end(name, late=late)),
            **more(),
        }

    statement = query(_STATEMENTS[name], sources, schema, parameters=parameters)
    return FrameStream(schema, statement, metadata=metadata)


def _left_out(name: str, metrics: ds.Dataset) -> int:
    """How many metrics of queues or agents are in no figure, as the record gives them no time or no value."""
    of_whom = pc.field("queue_id" if name == "queue_performance" else "user_id").is_valid()
    number: int = metrics.count_rows(
        filter=of_whom & (pc.field("emit_date").is_null() | pc.field("value").is_null())
    )
    if number:
        _log.warning("%d metrics have no time or no value, so %s leaves them out.", number, name)
    return number


@cache
def made_of(name: str, *, late: bool = True) -> Mapping[str, Found]:
    """The upstream columns that each column of an asset of this module is made of.

    Args:
        name: The asset.
        late: Whether there is late activity.
    """
    # sqlglot takes a third of a second to import, and only a run needs it.
    from genesys_dagster.sql.origins import origins, traced

    upstream = {table: _UPSTREAM[table] for table in _READS[name]}
    found = origins(_STATEMENTS[name], _COLUMNS[name].names, upstream).columns
    return traced(found, {OLDER: _made_of_older(late=late)})


def _made_of_older(*, late: bool) -> Mapping[str, Found]:
    """Metrics of older conversations are those of days before, or come by the same statement from late activity."""
    return {
        column: frozenset({Origin(METRICS, (column,))}).union(
            replace(origin, table=LATE_ACTIVITY) for origin in found if late
        )
        for column, found in origins_of(SPEC).columns.items()
    }


@cache
def made_of_in_the_end(name: str, *, late: bool = True) -> Mapping[str, Found]:
    """The same followed up to the records and the reference data."""
    from genesys_dagster.sql.origins import traced

    upstream: dict[str, Mapping[str, Found]] = {METRICS: origins_of(SPEC).columns}
    upstream |= {
        table: made_of_in_the_end(table, late=late) for table in _READS[name] if table in _STATEMENTS
    }
    return traced(made_of(name, late=late), upstream)
