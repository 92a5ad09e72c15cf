"""What the instance remembers of past pulls of an org's days: metadata of each materialization."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from genesys_dagster.org.org import Org

DETAILS, LATE_ACTIVITY = "conversation_details", "late_activity"


class Family(NamedTuple):
    """Assets of days that are pulled, and kept up to date, together.

    Attributes:
        name: What runs of its jobs carry as the tag `genesys/of`.
        pulled: The asset whose materialization tells that a day was pulled.
        updated: That whose materialization tells that it was brought up to date.
        late: That which holds what a day has brought for days before.
        writes: All that its runs write.
    """

    name: str
    pulled: str
    updated: str
    late: str
    writes: tuple[str, ...]


CONVERSATIONS = Family("conversations", DETAILS, DETAILS, LATE_ACTIVITY, (DETAILS, LATE_ACTIVITY))
# Of what a run writes, the last tells that all of it is there.
USER_STATUS = Family(
    "user_status",
    "late_user_status",
    "user_routing_status",
    "late_user_status",
    ("user_presence", "user_routing_status", "late_user_status"),
)

_AT_ONCE = 500  # databases limit the length of a list


@dataclass(frozen=True, slots=True)
class Pull:
    """One materialization of a day.

    Attributes:
        day: Partition key.
        known_until: Everything that happened before this instant is in it.
        active_until: What happened in its conversations before this instant is in it, if it was brought up to date
            from late activity since; what was only attached to ended ones (evaluations, surveys) need not be.
        open_conversations: Conversations without an end in it.
        latest_end: The latest end of one of its conversations; None if the pull did not say.
        missing: How many of the announced conversations it lacks; 0 if it is whole.
        is_from_job: Whether it came from the bulk job, with everything that jobs bring.
        metadata: All that the materialization said.
    """

    day: str
    known_until: datetime
    active_until: datetime
    open_conversations: int
    latest_end: datetime | None
    missing: int
    is_from_job: bool
    metadata: Mapping[str, dg.MetadataValue] = field(repr=False, compare=False)

    @property
    def says_source(self) -> bool:
        """Whether it says where it came from, as all of ours do."""
        return "source" in self.metadata

    @property
    def is_complete(self) -> bool:
        """Whether it came from the bulk job and nothing of what was announced is missing."""
        return self.is_from_job and not self.missing

    def covers(self, end: datetime, *, has_jobs: bool) -> bool:
        """Whether the day needs no further pull to be there in full.

        Args:
            end: End of the day.
            has_jobs: Whether the org has bulk jobs; where it has none, the query is all there is.
        """
        return self.known_until >= end and not self.missing and (self.is_from_job or not has_jobs)


def pull_of(record: dg.EventLogRecord) -> Pull | None:
    """Reads a pull from its event; None for a materialization without a partition."""
    materialization = record.asset_materialization
    if materialization is None or materialization.partition is None:
        return None
    said = materialization.metadata
    known_until = _number(said, "known_until") or record.timestamp
    latest_end = _number(said, "latest_end")
    return Pull(
        day=materialization.partition,
        known_until=_instant(known_until),
        active_until=_instant(max(known_until, _number(said, "active_until") or 0.0)),
        open_conversations=int(_number(said, "open_conversations") or 0),
        latest_end=None if latest_end is None else _instant(latest_end),
        missing=int(_number(said, "announced_missing") or 0),
        is_from_job="source" in said and said["source"].value == "job",
        metadata=said,
    )


def pulls_after(
    instance: dg.DagsterInstance, org: Org, storage_id: int, limit: int, asset: str = DETAILS
) -> Iterator[tuple[int, Pull | None]]:
    """The pulls after a place in the event log, oldest first, each with its own place."""
    wanted = dg.AssetRecordsFilter(org.key(asset), after_storage_id=storage_id)
    for record in instance.fetch_materializations(wanted, limit, ascending=True).records:
        yield record.storage_id, pull_of(record)


def latest_pulls(
    instance: dg.DagsterInstance, org: Org, days: Iterable[str], asset: str = DETAILS
) -> dict[str, Pull]:
    """The latest pull of each of a few days; days without one are left out."""
    records = latest_materializations(instance, org, days, asset).values()
    return {pull.day: pull for record in records if (pull := pull_of(record)) is not None}


def latest_materializations(
    instance: dg.DagsterInstance, org: Org, days: Iterable[str], asset: str = DETAILS
) -> dict[str, dg.EventLogRecord]:
    """The events of the latest pull of each of a few days; days without one are left out."""
    key = org.key(asset)
    records = _records(instance, key, latest_places(instance, key, days).values())
    return {record.partition_key: record for record in records if record.partition_key is not None}


def latest_places(instance: dg.DagsterInstance, asset: dg.AssetKey, days: Iterable[str]) -> Mapping[str, int]:
    """Where in the event log the latest materialization of each of a few days stands; days without one are left out."""
    wanted = sorted(set(days))
    places: dict[str, int] = {}
    for start in range(0, len(wanted), _AT_ONCE):  # never an empty set, which to Dagster means all of history
        some = set(wanted[start : start + _AT_ONCE])
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        places |= instance.get_latest_storage_id_by_partition(asset, kind, some)
    return places


def sweeps_naming(
    instance: dg.DagsterInstance, org: Org, day: str, after: datetime, late: str = LATE_ACTIVITY
) -> list[str]:
    """The sweeps that found something in a day and ended after an instant, from what their materializations say.

    Args:
        instance: Where they are remembered; no object is opened.
        org: Whose.
        day: Partition key.
        after: What happened before it is in the day already.
        late: The asset of the sweeps.

    Returns:
        Their partition keys, oldest first. A sweep that does not say which days it found counts.
    """
    asset = org.key(late)
    swept = filter(org.days.is_partition, instance.get_materialized_partitions(asset))
    later = [sweep for sweep in swept if sweep > day and org.days.end_of(sweep) > after]
    records = _records(instance, asset, latest_places(instance, asset, later).values())
    return sorted(record.partition_key for record in records if record.partition_key and _names(record, day))


def days_named(record: dg.EventLogRecord) -> list[str] | None:
    """The days in which a sweep found something; None if it does not say."""
    said = record.asset_materialization.metadata if record.asset_materialization else {}
    days = said["days"].value if "days" in said else None
    return list(days) if isinstance(days, dict) else None


def _names(record: dg.EventLogRecord, day: str) -> bool:
    days = days_named(record)
    return days is None or day in days


def _records(
    instance: dg.DagsterInstance, asset: dg.AssetKey, places: Iterable[int]
) -> Iterator[dg.EventLogRecord]:
    left = list(places)
    for start in range(0, len(left), _AT_ONCE):
        wanted = dg.AssetRecordsFilter(asset, storage_ids=left[start : start + _AT_ONCE])
        yield from instance.fetch_materializations(wanted, limit=_AT_ONCE).records


def _number(metadata: Mapping[str, dg.MetadataValue], name: str) -> float | None:
    value = metadata[name].value if name in metadata else None
    return float(value) if isinstance(value, (int, float)) else None


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
