"""When something happened in conversations: told from the typed rows, whatever they hold."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Everything in a record that tells when something happened in its conversation.
_TIMES = (
    ("conversationEnd",),
    ("evaluations", "eventTime"),
    ("surveys", "eventTime"),
    ("resolutions", "eventTime"),
    ("participants", "sessions", "metrics", "emitDate"),
    ("participants", "sessions", "segments", "segmentStart"),
    ("participants", "sessions", "segments", "segmentEnd"),
)


def had_activity(rows: pa.RecordBatch, start: datetime, end: datetime) -> pa.BooleanArray:
    """Tell of each row whether something happened from `start` (included) to `end` (excluded).

    A conversation that only waits, such as an e-mail thread without an answer, has no activity.
    """
    is_active = np.zeros(len(rows), bool)
    for name, *path in _TIMES:
        for times, owners in _values(rows[name], np.arange(len(rows)), path):
            inside = pc.and_(
                pc.greater_equal(times, pa.scalar(start, times.type)),
                pc.less(times, pa.scalar(end, times.type)),
            )
            is_active[owners[np.asarray(pc.fill_null(inside, False), bool)]] = True
    return pa.array(is_active, pa.bool_())


def _values(array: pa.Array, owners: np.ndarray, path: list[str]) -> Iterator[tuple[pa.Array, np.ndarray]]:
    """The values at a path, and for each the row that it belongs to."""
    if pa.types.is_list(array.type):
        owners = owners[np.asarray(pc.list_parent_indices(array), np.int64)]
        yield from _values(pc.list_flatten(array), owners, path)
    elif path:
        yield from _values(pc.struct_field(array, path[0]), owners, path[1:])
    else:
        yield array, owners
