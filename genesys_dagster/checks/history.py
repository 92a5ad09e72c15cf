"""What earlier materializations said: read from Dagster's event log, no data is touched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg


@dataclass(frozen=True, slots=True)
class Pull:
    """What one materialization of a partition of `conversation_details` recorded.

    Attributes:
        rows: Conversations written.
        outside_window_dropped: Conversations received that began on another day.
        duplicates_dropped: Conversations received twice.
        total_hits: How many the interactive query announced; None if it did not say.
    """

    rows: int
    outside_window_dropped: int
    duplicates_dropped: int
    total_hits: int | None


def latest_pulls(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partitions: Iterable[str]
) -> Mapping[str, Pull]:
    """Return the latest materialization of each partition; partitions that were never materialized are missing."""
    pulls: dict[str, Pull] = {}
    for partition in partitions:
        found = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition]), limit=1
        )
        for record in found.records:
            if (materialization := record.asset_materialization) is not None:
                pull = _pull({name: value.value for name, value in materialization.metadata.items()})
                if pull is not None:
                    pulls[partition] = pull
    return pulls


def _pull(metadata: Mapping[str, Any]) -> Pull | None:
    rows, hits = metadata.get("dagster/partition_row_count"), metadata.get("total_hits")
    if not isinstance(rows, int):
        return None
    return Pull(
        rows,
        int(metadata.get("outside_window_dropped") or 0),
        int(metadata.get("duplicates_dropped") or 0),
        hits if isinstance(hits, int) else None,
    )
