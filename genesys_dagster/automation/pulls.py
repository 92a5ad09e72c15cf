"""What the instance remembers of past pulls of `conversation_details`: one entry of metadata per materialization."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from genesys_dagster.assets.conversation_details import conversation_details

ASSET_KEY = conversation_details.key


@dataclass(frozen=True, slots=True)
class Pull:
    """One materialization of a day.

    Attributes:
        day: Partition key.
        known_until: Everything that happened before this instant is in it.
        open_conversations: Conversations without an end in it.
        is_complete: Whether it came from the bulk job, with everything that jobs bring.
    """

    day: str
    known_until: datetime
    open_conversations: int
    is_complete: bool


def pull_of(record: dg.EventLogRecord) -> Pull | None:
    """Reads a pull from its event; None for a materialization without a partition."""
    materialization = record.asset_materialization
    if materialization is None or materialization.partition is None:
        return None
    said = materialization.metadata
    return Pull(
        materialization.partition,
        datetime.fromtimestamp(_number(said, "known_until", record.timestamp), UTC),
        int(_number(said, "open_conversations", 0)),
        "source" in said and said["source"].value == "job",
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


def _number(metadata: Mapping[str, dg.MetadataValue], name: str, default: float) -> float:
    value = metadata[name].value if name in metadata else None
    return float(value) if isinstance(value, (int, float)) else default
