"""Streams of a run over several days, kept in a folder until it is their turn to be written."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from genesys_dagster.lake.stream import FrameStream

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def kept(stream: FrameStream, path: Path) -> FrameStream:
    """Write the rows of a stream to a file now, and read them from it when they are wanted; then the file goes.

    Args:
        stream: Of Arrow batches.
        path: Of the file.
    """
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, stream.schema, options=_OPTIONS) as sink:
        for rows in stream.frames:
            sink.write(rows)
    return FrameStream(stream.schema, _read(path), stream.metadata, stream.terms)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as file:
        yield from pa.ipc.open_stream(file)
    path.unlink()
