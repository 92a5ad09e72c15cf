"""Which days a run is for: one, or a range; and which days are in progress."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import dagster as dg

from genesys_dagster.memory.pulls import CONVERSATIONS, Family
from genesys_dagster.org.org import ORG_TAG, Org

# Dagster docs, "Run tags": a run of one partition has the first, one of a range the other two.
PARTITION = "dagster/partition"
_FIRST, _LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

OF = "genesys/of"
"""The tag by which a run of our jobs tells which family of days it writes."""

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


def days_in_progress(
    instance: dg.DagsterInstance, org: Org, days: Collection[str], family: Family = CONVERSATIONS
) -> set[str]:
    """Those of the days that a run of the org is about to write, or waiting to."""
    if not days:
        return set()
    # There are few runs of ranges, but a backfill may have queued thousands of single days: only what matters is read.
    before = [day for day in org.days.partitions.get_partition_keys() if day <= max(days)]
    wanted: list[dict[str, str | list[str]]] = [{PARTITION: sorted(days)}, {_FIRST: before}]
    spans = {
        Days.of(record.dagster_run.tags)
        for tags in wanted
        for record in instance.get_run_records(dg.RunsFilter(tags=tags, statuses=_UNFINISHED))
        if writes(org, record.dagster_run, family)
    }
    return {day for day in days for span in spans if span and span.first <= day <= span.last}


def is_of(org: Org, run: dg.DagsterRun) -> bool:
    """Whether a run is one of the org's: by its tag, else by the assets that it was launched for."""
    if ORG_TAG in run.tags:
        return run.tags[ORG_TAG] == org.tag[ORG_TAG]
    return not set(org.keys.values()).isdisjoint(run.asset_selection or ())


def writes(org: Org, run: dg.DagsterRun, family: Family = CONVERSATIONS) -> bool:
    """Whether a run may write days of a family of the org's. Of one that does not say for what it was launched, that is assumed."""
    if OF in run.tags and is_of(org, run):
        return run.tags[OF] == family.name
    if run.asset_selection is not None:
        return not {org.key(name) for name in family.writes}.isdisjoint(run.asset_selection)
    return ORG_TAG not in run.tags or run.tags[ORG_TAG] == org.tag[ORG_TAG]
