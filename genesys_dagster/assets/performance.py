"""The performance figures: how queues and agents did, day by day, and queues week by week."""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
import pyarrow.compute as pc
import pyarrow.dataset as ds

from genesys_dagster.assets.conditions import follow_upstream
from genesys_dagster.assets.define import asset, daily
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster.assets.tables import each, origins_of
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.metadata import column_schema
from genesys_dagster.org.org import Org
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster.sql import code_version, load
from genesys_dagster.sql.engine import Source, query
from genesys_dagster.sql.figures import AGENT_PERFORMANCE, QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY
from genesys_dagster.sql.origin import Found
from genesys_dagster.sql.schemas import SESSION_METRICS
from genesys_dagster.sql.table_specs import SPECS

_log = logging.getLogger(__name__)

_SCHEMAS = {
    "queue_performance": QUEUE_PERFORMANCE,
    "agent_performance": AGENT_PERFORMANCE,
    "queue_performance_weekly": QUEUE_PERFORMANCE_WEEKLY,
}
_READS = {
    "queue_performance": ("session_metrics", "queues"),
    "agent_performance": ("session_metrics", "users"),
    "queue_performance_weekly": ("queue_performance",),
}
_UPSTREAM = {
    "session_metrics": SESSION_METRICS.names,
    "queues": ["id", "name", "unknown_fields"],
    "users": ["id", "name"],
    "queue_performance": QUEUE_PERFORMANCE.names,
}
_STATEMENTS = {name: load("performance", name) for name in _SCHEMAS}

_WHEN = """
A metric counts when Genesys Cloud emitted it, as in Genesys Cloud's own views. A partition holds the metrics of the
conversations that *started* on its day, and some go on for days: its rows can be of later days. All of a day's figures are
the rows of that `day` in its own partition and *earlier* ones. Definitions and sources: docs/metrics.md.
"""

QUEUE_DESCRIPTION = f"""\
How queues did: volumes, service level, answer, abandon and handle times, transfers, by half hour, queue, media type and
direction.
{_WHEN}"""

AGENT_DESCRIPTION = f"""\
How agents did: alerts, handle time and its parts, transfers, outbound, by day, agent and media type.
{_WHEN}"""

WEEKLY_DESCRIPTION = """\
`queue_performance` rolled up to weeks from Monday on: one partition per week of conversation starts, from its seven
daily ones. Counts and totals add up, means and rates are made from them again.
"""


def performance(org: Org) -> list[dg.AssetsDefinition]:
    """The assets, for an org."""
    return [_queue_performance(org), _agent_performance(org), _queue_performance_weekly(org)]


def _queue_performance(org: Org) -> dg.AssetsDefinition:
    # A queue's new name is no reason to compute years of days again.
    spec = _spec(org, "queue_performance", QUEUE_DESCRIPTION, apart_from="queues")

    @daily(org, spec, ins=_ins(org, "queues", "queue_id", "direction"))
    def queue_performance(
        config: ServiceLevelConfig, session_metrics: dict[str, ds.Dataset], queues: ds.Dataset | None
    ) -> dg.Output[Any]:
        parameters = {"timezone": org.days.timezone, **config.parameters()}
        names = _or_nothing(queues, "queues")

        def day(metrics: ds.Dataset) -> FrameStream:
            return _figures(
                org, "queue_performance", {"session_metrics": metrics, "queues": names}, parameters, metrics
            )

        return each(session_metrics, day)

    return queue_performance


def _agent_performance(org: Org) -> dg.AssetsDefinition:
    spec = _spec(org, "agent_performance", AGENT_DESCRIPTION, apart_from="users")

    @daily(org, spec, ins=_ins(org, "users", "user_id"))
    def agent_performance(session_metrics: dict[str, ds.Dataset], users: ds.Dataset | None) -> dg.Output[Any]:
        parameters = {"timezone": org.days.timezone}
        names = _or_nothing(users, "users")

        def day(metrics: ds.Dataset) -> FrameStream:
            return _figures(
                org, "agent_performance", {"session_metrics": metrics, "users": names}, parameters, metrics
            )

        return each(session_metrics, day)

    return agent_performance


def _queue_performance_weekly(org: Org) -> dg.AssetsDefinition:
    # Dagster maps a week to the days in it by itself, as both are windows of time; all seven must be there.
    days = dg.AssetIn(org.key("queue_performance"), partition_mapping=dg.TimeWindowPartitionMapping())

    @asset(
        org,
        _spec(org, "queue_performance_weekly", WEEKLY_DESCRIPTION),
        partitions_def=org.days.weeks(),
        ins={"queue_performance": days},
    )
    def queue_performance_weekly(queue_performance: ds.Dataset) -> FrameStream:
        return _figures(org, "queue_performance_weekly", {"queue_performance": queue_performance}, {})

    return queue_performance_weekly


def _spec(org: Org, name: str, description: str, apart_from: str | None = None) -> dg.AssetSpec:
    """The spec of a figure; `apart_from` is the reference data whose changes compute nothing again."""
    snapshots = dg.AssetSelection.assets(org.key(apart_from)) if apart_from else None
    return org.spec(
        name,
        description=description,
        metadata={"dagster/column_schema": column_schema(_SCHEMAS[name])},
        code_version=code_version(_STATEMENTS[name]),
        automation_condition=follow_upstream(snapshots),
    )


def _ins(org: Org, reference: str, *columns: str) -> dict[str, dg.AssetIn]:
    metrics = [*columns, "media_type", "name", "value", "emit_date"]
    return {
        "session_metrics": dg.AssetIn(org.key("session_metrics"), metadata={"columns": metrics}),
        reference: dg.AssetIn(org.key(reference), metadata={"columns": _UPSTREAM[reference]}),
    }


def _or_nothing(snapshot: ds.Dataset | None, name: str) -> Source:
    """The reference data; nothing while there is none, so that figures come without names instead of not at all."""
    if snapshot is not None:
        return snapshot
    _log.warning("There is no snapshot of %s, so names are left out: materialize it, then this again.", name)
    return ENTITIES[name].schema.empty_table().select(_UPSTREAM[name])


def _figures(
    org: Org,
    name: str,
    sources: Mapping[str, Source],
    parameters: Mapping[str, Any],
    metrics: ds.Dataset | None = None,
) -> FrameStream:
    schema = _SCHEMAS[name]

    def metadata() -> Mapping[str, Any]:
        lineage = lineage_metadata(org.key, made_of(name), made_of_in_the_end(name))
        return lineage if metrics is None else {**lineage, "metrics_left_out": _left_out(name, metrics)}

    return FrameStream(
        schema,
        query(_STATEMENTS[name], sources, schema, parameters=parameters),
        metadata=metadata,
    )


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
def made_of(name: str) -> Mapping[str, Found]:
    """The upstream columns that each column of an asset of this module is made of."""
    # sqlglot takes a third of a second to import, and only a run needs it.
    from genesys_dagster.sql.origins import origins

    upstream = {table: _UPSTREAM[table] for table in _READS[name]}
    return origins(_STATEMENTS[name], _SCHEMAS[name].names, upstream).columns


@cache
def made_of_in_the_end(name: str) -> Mapping[str, Found]:
    """The same followed up to `conversation_details` and the reference data."""
    from genesys_dagster.sql.origins import traced

    tables = {spec.name: spec for spec in SPECS}
    upstream = {table: origins_of(tables[table]).columns for table in _READS[name] if table in tables}
    upstream |= {table: made_of_in_the_end(table) for table in _READS[name] if table in _STATEMENTS}
    return traced(made_of(name), upstream)
