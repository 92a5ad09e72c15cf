"""Which days a run is for: one, or a range; and which days are in progress."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS

# Dagster docs, "Run tags": a run of one partition has the first, one of a range the other two.
PARTITION = "dagster/partition"
_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Days(NamedTuple):
    """The days of a run, first and last."""

    first: str
    last: str

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> "Days | None":
        """The days that a run's tags tell; None for a run without days."""
        first, last = tags.get(PARTITION) or tags.get(_FIRST), tags.get(PARTITION) or tags.get(_LAST)
        return cls(first, last) if first and last else None

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first} to {self.last}"


def days_in_progress(instance: dg.DagsterInstance, days: Collection[str]) -> set[str]:
    """Those of the days that a run is about to write, or waiting to."""
    if not days:
        return set()
    # There are few runs of ranges, but a backfill may have queued thousands of single days: only what matters is read.
    before = [day for day in PARTITIONS.get_partition_keys() if day <= max(days)]
    wanted: list[dict[str, str | list[str]]] = [{PARTITION: sorted(days)}, {_FIRST: before}]
    spans = {
        Days.of(record.dagster_run.tags)
        for tags in wanted
        for record in instance.get_run_records(dg.RunsFilter(tags=tags, statuses=_UNFINISHED))
    }
    return {day for day in days for span in spans if span and span.first <= day <= span.last}
