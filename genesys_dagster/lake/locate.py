"""Which partition a row belongs to, from the value of one column."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.lake.errors import FrameError


def by_value(column: pa.ChunkedArray, keys: Sequence[str]) -> pa.Array:
    """Finds partitions whose key is the value itself.

    Args:
        column: Any values with a text form.
        keys: Partition keys.

    Returns:
        Positions in `keys`, null where no key is the value.
    """
    return _one(pc.index_in(column.cast(pa.string()), pa.array(keys, pa.string())))


def by_time(column: pa.ChunkedArray, windows: Sequence[tuple[datetime, datetime]], timezone: str) -> pa.Array:
    """Finds partitions that are windows of time.

    Args:
        column: Timestamps or dates. A timestamp without a zone and a date are taken in `timezone`.
        windows: Start and end (excluded) of each partition, with a zone, ascending.
        timezone: Zone name of the partitions definition.

    Returns:
        Positions in `windows`, null where a value lies in none of them.

    Raises:
        FrameError: The column is neither timestamp nor date.
    """
    kind = column.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise FrameError(f"`partition_expr` names a column of type {kind}: it must be a timestamp or a date.")
    zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    # Wall clock with wall clock, instant with instant: local days need no conversion at the change of clocks.
    values = _one(column.cast(pa.timestamp("us", "UTC" if zoned else None), safe=False).cast(pa.int64()))
    starts = np.array([_microseconds(start, None if zoned else timezone) for start, _ in windows])
    ends = np.array([_microseconds(end, None if zoned else timezone) for _, end in windows])
    instants = values.fill_null(0).to_numpy(zero_copy_only=False)
    positions = np.searchsorted(starts, instants, side="right") - 1
    outside = (
        (positions < 0) | (instants >= ends[positions]) | values.is_null().to_numpy(zero_copy_only=False)
    )
    return pa.array(positions, pa.int64(), mask=outside)


def _microseconds(moment: datetime, wall_clock_of: str | None) -> int:
    """Returns microseconds since 1970, of the instant or of the wall clock in a zone."""
    if wall_clock_of is not None:
        naive = moment.astimezone(ZoneInfo(wall_clock_of)).replace(tzinfo=ZoneInfo("UTC"))
        return round(naive.timestamp() * 1_000_000)
    return round(moment.timestamp() * 1_000_000)


def _one(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
