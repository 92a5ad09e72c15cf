"""Outputs of several partitions, brought to pairs of partition key and stream.

A run over a range of days hands its IO manager one value for all of them: a mapping, an iterable of
pairs, or one frame that has the partition in a column.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.lake.errors import FrameError
from genesys_dagster.lake.frames import (
    Chained,
    as_stream,
    check_kind,
    closing,
    is_plain_iterable,
    tables,
)
from genesys_dagster.lake.stream import FrameStream

Pair = tuple[str, FrameStream]
Locate = Callable[[pa.ChunkedArray], pa.Array]

HOW_TO_RETURN = (
    "return a dict of partition key to frame, yield pairs (partition key, frame), or return one frame and name "
    "its partition column in the asset's metadata as `partition_expr`"
)


def is_pair(item: object) -> bool:
    """Returns whether an item of an iterable is (partition key, value)."""
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def to_pairs(value: object, keys: Sequence[str], column: str | None, locate: Locate) -> Iterable[Pair]:
    """Brings an output of a partitioned asset to pairs.

    Args:
        value: What the asset returned.
        keys: The partition keys of the run, one or more.
        column: The column that tells the partition of a row, if the asset names one.
        locate: Column values to positions in `keys`, null where a value belongs to none of them.

    Returns:
        Partition key and stream, each partition of the run once. Made while they are consumed.

    Raises:
        FrameError: The value does not tell its partitions, or other partitions than the run's.
    """
    if isinstance(value, Mapping):
        return from_mapping(value, keys)
    if is_plain_iterable(value):
        items = iter(value)  # type: ignore[call-overload]
        first = next(items, None)
        if first is None and len(keys) > 1:
            raise FrameError(_nothing(keys))
        value = Chained(first, items) if first is not None else []
        if is_pair(first):
            return from_pairs(value, keys)
    if len(keys) == 1:
        return [(keys[0], as_stream(value))]
    if column is None or isinstance(value, (Chained, FrameStream)):
        raise FrameError(
            f"This run makes the partitions {_range(keys)}, but the output is one value: {HOW_TO_RETURN}."
        )
    return from_column(value, column, keys, locate)


def from_mapping(values: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Pair]:
    """Returns the partitions of a mapping in the order of the range, the absent ones last and without rows.

    Args:
        values: Partition key to value.
        keys: The partition keys of the range.

    Raises:
        FrameError: A key is not of the range, a value is of no accepted kind, or there is none.
    """
    if unknown := [key for key in values if key not in set(keys)]:
        raise FrameError(
            f"The output has partitions {unknown} that this run does not make; it makes {_range(keys)}."
        )
    if not values:
        raise FrameError(_nothing(keys))
    for value in values.values():
        check_kind(value)
    return from_pairs(((key, values[key]) for key in keys if key in values), keys)


def from_pairs(pairs: Iterable[tuple[str, Any]], keys: Sequence[str]) -> Iterator[Pair]:
    """Yields the partitions of an iterable as they come, then the absent ones without rows.

    Args:
        pairs: Partition key and value; each value is used up before the next pair is asked for.
        keys: The partition keys of the range.

    Raises:
        FrameError: A key is not of the range or comes twice, or nothing comes at all.
    """
    expected, done = set(keys), set[str]()
    schema: pa.Schema | None = None
    for item in pairs:
        if not is_pair(item):
            raise FrameError(
                f"The output yielded a {type(item).__name__} where a pair (partition key, frame) was expected."
            )
        key, value = item
        if key not in expected:
            with closing(value):
                raise FrameError(
                    f"The output yielded partition {key!r}, which this run does not make; it makes {_range(keys)}."
                )
        if key in done:
            with closing(value):
                raise FrameError(f"The output yielded partition {key!r} twice: yield all its frames at once.")
        stream = as_stream(value)
        schema = schema or stream.schema
        done.add(key)
        yield key, stream
    if schema is None:
        raise FrameError(_nothing(keys))
    yield from ((key, _empty(schema)) for key in keys if key not in done)


def from_column(
    frame: object,
    column: str,
    keys: Sequence[str],
    locate: Locate,
) -> Iterator[Pair]:
    """Returns the partitions of one frame, by a column of it.

    Args:
        frame: The rows of all partitions.
        column: Name of the column that tells the partition.
        keys: The partition keys of the range.
        locate: Column values to positions in `keys`, null where a value belongs to none of them.

    Raises:
        FrameError: There is no such column, or a row belongs to no partition of the range.
    """
    stream = as_stream(frame)
    if column not in stream.schema.names:
        raise FrameError(f"`partition_expr` names column {column!r}, which the frame does not have.")
    table = pa.concat_tables(tables(stream))
    positions = locate(table[column])
    if positions.null_count:
        raise FrameError(
            f"{positions.null_count} rows have a {column!r} outside {_range(keys)}, which this run makes: "
            "drop them or widen the range."
        )
    return (
        (key, FrameStream(stream.schema, [table.filter(pc.equal(positions, position))]))
        for position, key in enumerate(keys)
    )


def _empty(schema: pa.Schema) -> FrameStream:
    return FrameStream(schema, [])


def _nothing(keys: Sequence[str]) -> str:
    return f"The output has no partition at all, so the schema of {_range(keys)} is unknown: {HOW_TO_RETURN}."


def _range(keys: Sequence[str]) -> str:
    return repr(keys[0]) if len(keys) == 1 else f"{keys[0]!r} to {keys[-1]!r}"
