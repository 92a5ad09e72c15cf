"""What an object tells of the pull that made it: no more than is certain, and less where that is in doubt.

Whatever is made of it may be asked for once more, but must not be taken for done: `known_until` is the end of the day,
up to which every pull knows everything, whenever it was made. That an object is younger does not tell of a later pull:
it may have been brought up to date from late activity. So what was put in since is put in again, and the refresh
plan's latest step is repeated, unless a person says until when the plan was followed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.assets.late_activity import days_found as conversations_found
from genesys_dagster.assets.status_of_day import days_found as periods_found
from genesys_dagster.assets.terms import said_of, window_of
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.memory.pulls import CONVERSATIONS, DETAILS, LATE_ACTIVITY, USER_STATUS
from genesys_dagster.org.org import Org

_PULLED = frozenset({*CONVERSATIONS.writes, *USER_STATUS.writes})
# Of sweeps: in which days they found something, and the columns that tell.
_FOUND: Mapping[str, tuple[Callable[[Org, pa.Table], Mapping[str, int]], tuple[str, ...]]] = {
    LATE_ACTIVITY: (conversations_found, ("conversationStart",)),
    USER_STATUS.late: (periods_found, ("start_time", "end_time")),
}


def state(
    org: Org, name: str, day: str | None, stored: StoredVersion, refreshed_until: datetime | None = None
) -> Mapping[str, Any]:
    """What the materialization of an object says.

    Args:
        org: Whose it is.
        name: Of the asset in the catalog.
        day: Partition key; None for an asset without partitions.
        stored: The object, which is Parquet.
        refreshed_until: Until when the refresh plan was followed and the object can tell of it, if that is known.

    Raises:
        StorageError: S3 refused or could not be reached.
        ReadError: It lacks a column without which nothing can be told.
        pyarrow.ArrowInvalid: It is damaged.
    """
    rows = "dagster/row_count" if day is None else "dagster/partition_row_count"
    said: dict[str, Any] = {
        rows: stored.rows,
        "dagster/uri": stored.uri,
        "bytes_written": stored.version.size,
    }
    if day is None or name not in _PULLED:
        return said
    known_until = _known_until(org, day, stored)
    said |= said_of(stored.facts)
    if name == DETAILS:
        count, latest_end = _ends(stored)
        end = org.days.end_of(day)
        if refreshed_until and known_until == end:
            is_settled = org.plan.is_settled(end, refreshed_until, count, latest_end)
            known_until = org.plan.step_due(end, end, is_settled, refreshed_until) or end
        null = dg.MetadataValue.null()
        said["open_conversations"] = count
        said["latest_end"] = dg.MetadataValue.timestamp(latest_end) if latest_end else null
    said["known_until"] = dg.MetadataValue.timestamp(known_until)
    if name in _FOUND:
        said |= _found(org, name, stored)
    return said


def _known_until(org: Org, day: str, stored: StoredVersion) -> datetime:
    """The end of the day: no pull begins before, and no job whose watermark has not passed it (`require_availability`).

    An object that does not say how it was cut, or was cut otherwise, knows nothing of the day for certain.
    """
    window, cut_by = org.days.window(day), window_of(stored.facts)
    # A sweep makes up for days before.
    is_whole = cut_by is not None and cut_by.end == window.end and cut_by.start <= window.start
    return window.end if is_whole else window.start


def _ends(stored: StoredVersion) -> tuple[int, datetime | None]:
    """How many conversations have no end, and the latest end of the others."""
    open_conversations, latest_end = 0, None
    for table in stored.columns(["conversationEnd"]):
        ends = table["conversationEnd"]
        open_conversations += ends.null_count
        latest_end = max(filter(None, (latest_end, pc.max(ends).as_py())), default=None)
    return open_conversations, latest_end


def _found(org: Org, name: str, stored: StoredVersion) -> Mapping[str, Any]:
    """A sweep that does not say which days it found counts for every day."""
    count, columns = _FOUND[name]
    tables = list(stored.columns(columns))
    try:
        return {"days": dg.MetadataValue.json(count(org, pa.concat_tables(tables)) if tables else {})}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # of another type in older versions
        return {}
