"""What an asset may return, brought to one shape: a schema and a stream of Arrow tables.

Knows pandas and Arrow. Polars, DuckDB and others are taken through the Arrow PyCapsule interface,
so none of them is imported here.
"""

import itertools
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa

from genesys_dagster.lake.conform import conform, schema_of
from genesys_dagster.lake.errors import FrameError
from genesys_dagster.lake.stream import FrameStream

_ARROW_FRAMES = (pd.DataFrame, pa.RecordBatch, pa.Table)

_ACCEPTED = (
    "a pandas or Polars DataFrame, a pyarrow Table, RecordBatch or RecordBatchReader, an iterable of "
    "DataFrames or RecordBatches, or a FrameStream"
)


def as_stream(value: object) -> FrameStream:
    """Brings an output value to a stream.

    Args:
        value: Anything of the kinds named in `FrameStream` and the module's docstring.

    Returns:
        The stream. For iterables of frames the first frame gives the schema.

    Raises:
        FrameError: The value is of no accepted kind, or an iterable without frames or schema.
    """
    check_kind(value)
    if isinstance(value, FrameStream):
        return value
    if isinstance(value, pa.RecordBatchReader):
        return FrameStream(value.schema, _ReaderFrames(value))
    if isinstance(value, _ARROW_FRAMES):
        return FrameStream(schema_of(value), [value])
    return _from_arrow_exporter(value) if _exports_arrow(value) else _from_iterable(value)  # type: ignore[arg-type]


def check_kind(value: object) -> None:
    """Raises `FrameError` if a value is of no accepted kind; nothing of it is used up."""
    known = isinstance(value, (FrameStream, pa.RecordBatchReader, *_ARROW_FRAMES)) or _exports_arrow(value)
    if not known and (isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable)):
        raise FrameError(_rejection(value))


def _exports_arrow(value: object) -> bool:
    return hasattr(value, "__arrow_c_stream__")


def is_plain_iterable(value: object) -> bool:
    """Returns whether only its items tell what a value is: frames, or pairs of partition and frame."""
    if isinstance(value, (FrameStream, pa.RecordBatchReader, *_ARROW_FRAMES)):
        return False
    if isinstance(value, (str, bytes, Mapping)) or _exports_arrow(value):
        return False
    return isinstance(value, Iterable)


@contextmanager
def closing(frames: object) -> Iterator[None]:
    """Closes frames that can be closed when the block is left, whatever the reason."""
    try:
        yield
    finally:
        close = getattr(frames, "close", None)
        if callable(close):
            close()


@contextmanager
def closing_value(value: object) -> Iterator[None]:
    """Closes all frames of an output, also those that were never begun, when the block is left."""
    values = value.values() if isinstance(value, Mapping) else [value]
    with ExitStack() as stack:
        for part in values:
            stack.enter_context(closing(part.frames if isinstance(part, FrameStream) else part))
        yield


def tables(stream: FrameStream, *, coded: bool = False) -> Iterator[pa.Table]:
    """Yields the stream's frames as Arrow tables of exactly its schema, but for coded texts where these are welcome.

    Raises:
        FrameError: A frame does not fit; the message names the column.
    """
    for frame in stream.frames:
        if isinstance(frame, _ARROW_FRAMES):
            yield conform(frame, stream.schema, coded=coded)
        elif _exports_arrow(frame):
            inner = _from_arrow_exporter(frame)
            with closing(inner.frames):
                yield from (conform(batch, stream.schema) for batch in inner.frames)
        else:
            raise FrameError(
                f"The output yielded a {_name(frame)}: each frame must be a DataFrame, Table or RecordBatch."
            )


class Chained:
    """A first item that was already taken, and the rest; closing it closes the rest."""

    def __init__(self, first: object, rest: Iterator[Any]) -> None:
        self._items = itertools.chain([first], rest)
        self._rest = rest

    def __iter__(self) -> Iterator[Any]:
        return self._items

    def close(self) -> None:
        """Closes the iterator behind."""
        close = getattr(self._rest, "close", None)
        if callable(close):
            close()


class _ReaderFrames:
    """The batches of a reader; closing them closes the reader."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self._reader)

    def close(self) -> None:
        self._reader.close()


def _from_arrow_exporter(value: object) -> FrameStream:
    """Takes over the Arrow stream of another library's frame (Polars, DuckDB, arro3)."""
    if type(value).__module__.partition(".")[0] == "polars" and type(value).__name__ == "DataFrame":
        # Through Arrow's stream Polars hands out string views, which fewer Parquet readers know.
        return as_stream(value.to_arrow())  # type: ignore[attr-defined]
    reader = pa.RecordBatchReader.from_stream(value)
    return FrameStream(reader.schema, _ReaderFrames(reader))


def _from_iterable(frames: Iterable[Any]) -> FrameStream:
    """Takes the schema of the first frame."""
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise FrameError(
            "The output is an empty iterable, so its schema is unknown: return a FrameStream(schema, frames)."
        )
    chained = Chained(first, iterator)
    try:
        return FrameStream(_first_schema(first), chained)
    except BaseException:
        chained.close()
        raise


def _first_schema(first: object) -> pa.Schema:
    """Returns the schema that an iterable's first frame gives to all of them."""
    if isinstance(first, _ARROW_FRAMES):
        return schema_of(first)
    if _exports_arrow(first):
        return _from_arrow_exporter(first).schema
    raise FrameError(f"The output yields a {_name(first)}: return {_ACCEPTED}.")


def _rejection(value: object) -> str:
    """Says why a value cannot be written, and what can."""
    if value is None:
        return f"The asset returned None: return {_ACCEPTED} (or annotate it `-> None` to store nothing)."
    if isinstance(value, AsyncIterable):
        return f"The output is an asynchronous iterable: return {_ACCEPTED}."
    if type(value).__name__ == "LazyFrame":
        return "The output is a Polars LazyFrame: collect() it, or return its batches."
    if isinstance(value, Mapping):
        return (
            "The output is a mapping: only assets with partitions may return one, of partition key to frame. "
            f"Otherwise return {_ACCEPTED}."
        )
    return f"The output is a {_name(value)}: return {_ACCEPTED}."


def _name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
