"""The asset `late_activity`: what happened on a day in conversations that began on days before."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE, as_failure
from genesys_dagster.assets.terms import Came, stored_day, terms, window_of_stored
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.memory.pulls import LATE_ACTIVITY
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


class SweepConfig(dg.Config):
    """How a run sweeps a day."""

    accept_loss: bool = Field(
        default=False,
        description="Commit this sweep even if the stored one has conversations that it lacks. For one partition and one "
        "run.",
    )


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
def late_activity(
    context: dg.AssetExecutionContext, genesys: GenesysResource, config: SweepConfig
) -> dg.Output[Any]:
    """Sweep the days of the run, each from where the sweep before it ended."""
    keys = context.partition_keys
    swept = sorted({*context.instance.get_materialized_partitions(LATE_ACTIVITY), *keys})
    if len(keys) == 1:
        return dg.Output(_swept(context, genesys, keys[0], swept, accept_loss=config.accept_loss))
    return dg.Output((key, _swept(context, genesys, key, swept, accept_loss=False)) for key in keys)


def _days_to_sweep(day: str, swept: list[str], stored: StoredVersion | None) -> list[str]:
    """The day, after those since the last one that was swept before it, and those of the sweep that is stored."""
    covered = window_of_stored(stored) if stored else None
    first = PARTITIONS.get_partition_key_for_timestamp(covered.start.timestamp()) if covered else day
    before = [other for other in swept if other < min(first, day)]
    most = _LONGEST_GAP if before else _FIRST_SWEEP
    days = [str(date.fromisoformat(day) - timedelta(days=age)) for age in reversed(range(most))]
    return [
        other for other in days if PARTITIONS.has_partition_key(other) and (not before or other > before[-1])
    ]


def _swept(
    context: dg.AssetExecutionContext,
    genesys: GenesysResource,
    day: str,
    swept: list[str],
    *,
    accept_loss: bool,
) -> FrameStream:
    """The stream of one sweep; nothing is asked before its rows are."""
    stored = stored_day(context, PARTITIONS, day, LATE_ACTIVITY)
    days = _days_to_sweep(day, swept, stored)
    windows = [_window(each) for each in days]
    metadata: dict[str, Any] = {"days_swept": len(days)}

    def frames() -> Iterator[pa.Table]:
        ledger = partial(InstanceLedger, context.instance, context.run.run_id, kind="sweep")
        with as_failure():
            found = genesys.sweep(windows, ledger)
            rows = found.rows()
        metadata.update(days=dg.MetadataValue.json(_by_day(rows)), api_requests=found.api_requests)
        yield rows

    with as_failure():
        policy = genesys.commit_policy(accept_loss=accept_loss)
    window = Interval(windows[0].start, windows[-1].end)
    on_terms = terms(day, window, stored, policy, lambda: Came("job"), begin_inside=False)
    return FrameStream(CONVERSATION_SCHEMA, frames(), lambda: metadata, on_terms)


def _window(day: str) -> Interval:
    window = PARTITIONS.time_window_for_partition_key(day)
    return Interval(window.start, window.end)


def _by_day(rows: pa.Table) -> Mapping[str, int]:
    """How many of the conversations began on each day; days before the first partition are left out."""
    starts = [start for start in rows["conversationStart"].to_pylist() if start is not None]
    days = Counter(PARTITIONS.get_partition_key_for_timestamp(start.timestamp()) for start in starts)
    return {day: count for day, count in sorted(days.items()) if PARTITIONS.has_partition_key(day)}
