"""Days as partitions: which have ended, when one ends, in which an instant lies."""

from datetime import UTC, datetime
from functools import lru_cache

from genesys_dagster.assets.conversation_details import PARTITIONS


def ended_by(moment: datetime) -> list[str]:
    """The days that have ended by an instant, oldest first, from the first partition on."""
    return list(PARTITIONS.get_partition_keys(current_time=moment))


@lru_cache(maxsize=4096)
def end_of(day: str) -> datetime:
    """The instant at which a day ends, in UTC. Days of 23 and 25 hours end when the clocks say so."""
    return PARTITIONS.time_window_for_partition_key(day).end.astimezone(UTC)


@lru_cache(maxsize=4096)
def start_of(day: str) -> datetime:
    """The instant at which a day begins, in UTC."""
    return PARTITIONS.time_window_for_partition_key(day).start.astimezone(UTC)


def is_partition(day: str) -> bool:
    """Whether the day is a partition now; a day that was one need not be after the first day was moved."""
    return PARTITIONS.has_partition_key(day)


def day_of(moment: datetime) -> str:
    """The day in which an instant lies, whether or not it is a partition."""
    return PARTITIONS.get_partition_key_for_timestamp(moment.timestamp())
