"""The numbers of earlier materializations that checks compare; no data is touched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from genesys_dagster.memory import pulls
from genesys_dagster.org.org import Org


@dataclass(frozen=True, slots=True)
class Pull:
    """What one materialization of a partition of `conversation_details` recorded.

    Attributes:
        rows: Conversations written.
        outside_window_dropped: Conversations received that began on another day.
        duplicates_dropped: Conversations received twice.
        total_hits: How many the interactive query announced; None if it did not say.
        missing: How many of them did not come, as judged at the commit; None if that was not judged.
    """

    rows: int
    outside_window_dropped: int
    duplicates_dropped: int
    total_hits: int | None
    missing: int | None = None


def latest_pulls(instance: dg.DagsterInstance, org: Org, partitions: Iterable[str]) -> Mapping[str, Pull]:
    """Return the latest materialization of each partition; partitions that were never materialized are missing."""
    read = pulls.latest_pulls(instance, org, partitions)
    said = {day: {name: value.value for name, value in pull.metadata.items()} for day, pull in read.items()}
    found = {day: _pull(metadata) for day, metadata in said.items()}
    return {day: pull for day, pull in found.items() if pull is not None}


def _pull(metadata: Mapping[str, Any]) -> Pull | None:
    rows, hits = metadata.get("dagster/partition_row_count"), metadata.get("total_hits")
    missing = metadata.get("announced_missing")
    if not isinstance(rows, int):
        return None
    return Pull(
        rows,
        int(metadata.get("outside_window_dropped") or 0),
        int(metadata.get("duplicates_dropped") or 0),
        hits if isinstance(hits, int) else None,
        missing if isinstance(missing, int) else None,
    )
