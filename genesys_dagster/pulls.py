"""What the instance remembers of past pulls of `conversation_details`: one entry of metadata per materialization."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

ASSET_KEY = dg.AssetKey("conversation_details")
LATE_ACTIVITY = dg.AssetKey("late_activity")


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
        is_complete: Whether it came from the bulk job, with everything that jobs bring.
        metadata: All that the materialization said.
    """

    day: str
    known_until: datetime
    active_until: datetime
    open_conversations: int
    latest_end: datetime | None
    is_complete: bool
    metadata: Mapping[str, dg.MetadataValue] = field(repr=False, compare=False)


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
        is_complete="source" in said and said["source"].value == "job",
        metadata=said,
    )


def pulls_after(
    instance: dg.DagsterInstance, storage_id: int, limit: int
) -> Iterator[tuple[int, Pull | None]]:
    """The pulls after a place in the event log, oldest first, each with its own place."""
    wanted = dg.AssetRecordsFilter(ASSET_KEY, after_storage_id=storage_id)
    for record in instance.fetch_materializations(wanted, limit, ascending=True).records:
        yield record.storage_id, pull_of(record)


def latest_pulls(instance: dg.DagsterInstance, days: Iterable[str]) -> dict[str, Pull]:
    """The latest pull of each of a few days; days without one are left out."""
    places = instance.get_latest_storage_id_by_partition(
        ASSET_KEY, dg.DagsterEventType.ASSET_MATERIALIZATION, set(days)
    )
    if not places:
        return {}
    wanted = dg.AssetRecordsFilter(ASSET_KEY, storage_ids=list(places.values()))
    records = instance.fetch_materializations(wanted, limit=len(places)).records
    return {pull.day: pull for record in records if (pull := pull_of(record)) is not None}


def _number(metadata: Mapping[str, dg.MetadataValue], name: str) -> float | None:
    value = metadata[name].value if name in metadata else None
    return float(value) if isinstance(value, (int, float)) else None


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
