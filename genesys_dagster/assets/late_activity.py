"""The asset `late_activity`: what happened on a day in conversations that began on days before."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.failures import RETRY_AFTER_OUTAGE, as_failure
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.pulls import LATE_ACTIVITY
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.resources import GenesysResource

# The first sweep makes up for the days between the last backfill and the day on which automation was switched on.
_FIRST_SWEEP = 3  # days
_LONGEST_GAP = 30  # days of missed sweeps that are made up for; each costs a job

DESCRIPTION = """\
The conversations that began before the partition's day and in which something happened on it: an e-mail answered
after weeks, a callback that was reached. Rows as in `conversation_details`, as they stood when the day was swept;
days before that were never swept are made up for. The sensor `update_from_late_activity` puts the rows into the
partitions of `conversation_details` where they belong, which takes no further request.

One bulk job in overlap mode, read only as far as conversations are older than the day. Evaluations and surveys of
conversations that have ended are not activity: the refresh plan is there for them.
"""


@dg.asset(
    key=LATE_ACTIVITY,
    deps=["genesys_cloud"],
    partitions_def=PARTITIONS,
    io_manager_key="s3_parquet_io_manager",
    group_name="genesys_cloud",
    kinds={"python", "s3", "parquet"},
    owners=["team:data-engineering"],
    tags={"pii": ""},
    description=DESCRIPTION,
    code_version="1",
    pool="genesys_api",
    retry_policy=RETRY_AFTER_OUTAGE,
)
def late_activity(context: dg.AssetExecutionContext, genesys: GenesysResource) -> dg.Output[Any]:
    """Sweep the days of the run, each from where the sweep before it ended."""
    keys = context.partition_keys
    swept = sorted({*context.instance.get_materialized_partitions(LATE_ACTIVITY), *keys})
    streams: Iterator[tuple[str, FrameStream]] = (
        (key, _swept(genesys, _days_to_sweep(key, swept))) for key in keys
    )
    return dg.Output(next(streams)[1] if len(keys) == 1 else streams)


def _days_to_sweep(day: str, swept: list[str]) -> list[str]:
    """The day, after those since the last one that was swept before it."""
    before = [other for other in swept if other < day]
    most = _LONGEST_GAP if before else _FIRST_SWEEP
    days = [str(date.fromisoformat(day) - timedelta(days=age)) for age in reversed(range(most))]
    return [
        other for other in days if PARTITIONS.has_partition_key(other) and (not before or other > before[-1])
    ]


def _swept(genesys: GenesysResource, days: list[str]) -> FrameStream:
    windows = [PARTITIONS.time_window_for_partition_key(day) for day in days]
    with as_failure():
        found = genesys.sweep([Interval(window.start, window.end) for window in windows])
    rows = found.rows()
    metadata = {
        "days": dg.MetadataValue.json(_by_day(rows)),
        "days_swept": len(days),
        "api_requests": found.api_requests,
    }
    return FrameStream(CONVERSATION_SCHEMA, [rows], metadata=lambda: metadata)


def _by_day(rows: pa.Table) -> Mapping[str, int]:
    """How many of the conversations began on each day; days before the first partition are left out."""
    starts = [start for start in rows["conversationStart"].to_pylist() if start is not None]
    days = Counter(PARTITIONS.get_partition_key_for_timestamp(start.timestamp()) for start in starts)
    return {day: count for day, count in sorted(days.items()) if PARTITIONS.has_partition_key(day)}
