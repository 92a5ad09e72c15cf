"""A day of `conversation_details` brought up to date from what `late_activity` found since, without a request."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster.export import ExportReport
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.pulls import ASSET_KEY, LATE_ACTIVITY, Pull, latest_pulls
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.select import Selection
from genesys_dagster.records.update import newest, updated

_STILL_HOLDS = ("source", "total_hits", "duplicates_dropped", "outside_window_dropped", "unknown_fields")


def update(
    context: dg.AssetExecutionContext, partitions: dg.TimeWindowPartitionsDefinition, day: str
) -> FrameStream | None:
    """The rows that a day has, those in their place in which something happened since it was pulled.

    Args:
        context: Dagster's context of the step.
        partitions: The partitions of `conversation_details` and `late_activity`.
        day: Partition key.

    Returns:
        The stream; None if the day cannot be updated and has to be pulled whole: it was never pulled, its object is
        gone or of an older version of the schema, or the sweeps are not in the lake.
    """
    lake = context.resources.s3_parquet_io_manager
    pull = latest_pulls(context.instance, [day]).get(day)
    if pull is None or not isinstance(lake, S3ParquetIOManager):
        return None
    sweeps = _sweeps_since(context.instance, partitions, pull)
    versions = [lake.stored(ASSET_KEY, partitions, day, CONVERSATION_SCHEMA)]
    versions += [lake.stored(LATE_ACTIVITY, partitions, sweep, CONVERSATION_SCHEMA) for sweep in sweeps]
    usable = [version for version in versions if version is not None and version.has_schema()]
    if not sweeps or len(usable) < len(versions):
        return None
    stored, *found = usable
    selection = Selection(*(partitions.time_window_for_partition_key(day)))
    newer = newest(_inside(selection, found))
    until = partitions.time_window_for_partition_key(sweeps[-1]).end
    context.log.info(
        "%s: updating %d conversations from late activity up to %s", day, newer.num_rows, sweeps[-1]
    )

    def metadata() -> Mapping[str, Any]:
        if not stored.is_current():  # a pull in between knows more than these rows
            raise dg.Failure(f"{day} was replaced while it was brought up to date: nothing was written.")
        return {
            **_of_the_pull(pull),
            **contents(selection),
            "active_until": dg.MetadataValue.timestamp(until),
            "updated_from": dg.MetadataValue.json(sweeps),
        }

    frames = (selection.keep(batch) for batch in updated(stored.tables(), newer))
    return FrameStream(CONVERSATION_SCHEMA, frames, metadata)


def _of_the_pull(pull: Pull) -> Mapping[str, Any]:
    """What still holds of what the pull said, and that it took nothing to hold it."""
    said = {name: pull.metadata[name] for name in _STILL_HOLDS if name in pull.metadata}
    known_until = dg.MetadataValue.timestamp(pull.known_until)
    return {**said, "known_until": known_until, "pages": 0, "api_requests": 0, "api_retries": 0}


def contents(rows: Selection | ExportReport) -> Mapping[str, Any]:
    """What the refresh plan wants to know of the rows, as metadata."""
    latest_end = rows.latest_end
    return {
        "open_conversations": rows.open_conversations,
        "latest_end": dg.MetadataValue.timestamp(latest_end) if latest_end else dg.MetadataValue.null(),
    }


def _sweeps_since(
    instance: dg.DagsterInstance, partitions: dg.TimeWindowPartitionsDefinition, pull: Pull
) -> list[str]:
    """The swept days that ended after what is already in the day."""
    swept = filter(partitions.has_partition_key, instance.get_materialized_partitions(LATE_ACTIVITY))
    return sorted(
        sweep
        for sweep in swept
        if sweep > pull.day and partitions.time_window_for_partition_key(sweep).end > pull.active_until
    )


def _inside(selection: Selection, found: list[StoredVersion]) -> Iterator[pa.Table]:
    for version in found:
        for table in version.tables():
            yield table.filter(selection.is_inside(table["conversationStart"]))
