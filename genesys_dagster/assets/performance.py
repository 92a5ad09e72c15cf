"""The performance figures: how queues and agents did, day by day, and queues week by week."""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import dagster as dg
import pyarrow.dataset as ds

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM, follow_upstream
from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster.assets.tables import SPECS, origins_of
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.metadata import column_schema
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster.sql import code_version, load
from genesys_dagster.sql.engine import Source, query
from genesys_dagster.sql.figures import AGENT_PERFORMANCE, QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY
from genesys_dagster.sql.origin import Found
from genesys_dagster.sql.schemas import SESSION_METRICS

_log = logging.getLogger(__name__)

# The first week is the first one that has all its days.
WEEKS = dg.WeeklyPartitionsDefinition(
    start_date=PARTITIONS.start, timezone=PARTITIONS.timezone, day_offset=1, fmt=PARTITIONS.fmt
)

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
conversations that *started* on its day, and conversations end later: for all of a day's figures add up the rows of that
day over this partition and later ones. Definitions and sources: docs/metrics.md.
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


def _metrics(*columns: str) -> dg.AssetIn:
    return dg.AssetIn(metadata={"columns": [*columns, "media_type", "name", "value", "emit_date"]})


_QUEUES = dg.AssetIn(metadata={"columns": ["id", "name", "unknown_fields"]})
_USERS = dg.AssetIn(metadata={"columns": ["id", "name"]})


@dg.asset(
    partitions_def=PARTITIONS,
    ins={"session_metrics": _metrics("queue_id", "direction"), "queues": _QUEUES},
    description=QUEUE_DESCRIPTION,
    # A queue's new name is no reason to compute years of days again.
    automation_condition=follow_upstream(dg.AssetSelection.assets("queues")),
    io_manager_key="s3_parquet_io_manager",
    group_name="performance",
    kinds={"duckdb", "parquet"},
    owners=["team:data-engineering"],
    retry_policy=RETRY_AFTER_OUTAGE,
    metadata={"dagster/column_schema": column_schema(_SCHEMAS["queue_performance"])},
    code_version=code_version(_STATEMENTS["queue_performance"]),
)
def queue_performance(
    config: ServiceLevelConfig, session_metrics: dict[str, ds.Dataset], queues: ds.Dataset | None
) -> dg.Output[Any]:
    """The figures of queues, one partition after the other."""
    parameters = {"timezone": PARTITIONS.timezone, **config.parameters()}
    names = _or_nothing(queues, "queues")

    def day(metrics: ds.Dataset) -> FrameStream:
        return _figures("queue_performance", {"session_metrics": metrics, "queues": names}, parameters)

    return _each(session_metrics, day)


@dg.asset(
    partitions_def=PARTITIONS,
    ins={"session_metrics": _metrics("user_id"), "users": _USERS},
    description=AGENT_DESCRIPTION,
    tags={"pii": ""},
    automation_condition=follow_upstream(dg.AssetSelection.assets("users")),
    io_manager_key="s3_parquet_io_manager",
    group_name="performance",
    kinds={"duckdb", "parquet"},
    owners=["team:data-engineering"],
    retry_policy=RETRY_AFTER_OUTAGE,
    metadata={"dagster/column_schema": column_schema(_SCHEMAS["agent_performance"])},
    code_version=code_version(_STATEMENTS["agent_performance"]),
)
def agent_performance(session_metrics: dict[str, ds.Dataset], users: ds.Dataset | None) -> dg.Output[Any]:
    """The figures of agents, one partition after the other."""
    parameters = {"timezone": PARTITIONS.timezone}
    names = _or_nothing(users, "users")

    def day(metrics: ds.Dataset) -> FrameStream:
        return _figures("agent_performance", {"session_metrics": metrics, "users": names}, parameters)

    return _each(session_metrics, day)


@dg.asset(
    partitions_def=WEEKS,
    # Dagster maps a week to the days in it by itself, as both are windows of time; all seven must be there.
    ins={"queue_performance": dg.AssetIn(partition_mapping=dg.TimeWindowPartitionMapping())},
    description=WEEKLY_DESCRIPTION,
    automation_condition=FOLLOW_UPSTREAM,
    io_manager_key="s3_parquet_io_manager",
    group_name="performance",
    kinds={"duckdb", "parquet"},
    owners=["team:data-engineering"],
    retry_policy=RETRY_AFTER_OUTAGE,
    metadata={"dagster/column_schema": column_schema(_SCHEMAS["queue_performance_weekly"])},
    code_version=code_version(_STATEMENTS["queue_performance_weekly"]),
)
def queue_performance_weekly(queue_performance: ds.Dataset) -> FrameStream:
    """The figures of queues, added up from the seven days of the partition."""
    return _figures("queue_performance_weekly", {"queue_performance": queue_performance}, {})


def _or_nothing(snapshot: ds.Dataset | None, name: str) -> Source:
    """The reference data; nothing while there is none, so that figures come without names instead of not at all."""
    if snapshot is not None:
        return snapshot
    _log.warning("There is no snapshot of %s, so names are left out: materialize it, then this again.", name)
    return ENTITIES[name].schema.empty_table().select(_UPSTREAM[name])


def _figures(name: str, sources: Mapping[str, Source], parameters: Mapping[str, Any]) -> FrameStream:
    schema = _SCHEMAS[name]
    return FrameStream(
        schema,
        query(_STATEMENTS[name], sources, schema, parameters=parameters),
        metadata=lambda: lineage_metadata(made_of(name), made_of_in_the_end(name)),
    )


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


def _each(days: Mapping[str, ds.Dataset], compute: Callable[[ds.Dataset], FrameStream]) -> dg.Output[Any]:
    """One value for a run of one partition, pairs of partition and value for a run of several."""
    streams = [(key, compute(day)) for key, day in days.items()]
    return dg.Output(streams[0][1] if len(streams) == 1 else streams)


PERFORMANCE = [queue_performance, agent_performance, queue_performance_weekly]
