"""JSON documents to Arrow by the native reader, without holding Python's global lock.

The reader releases the lock only if it opens a file by its path. Given a Python object it takes the lock for each 8 KiB
and, while another thread computes, waits 5 ms for it every time (measured: 11 s for what takes 0.5 s). So the texts go
through a file that never leaves the memory, where the system has such files.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import arro3.core
import arro3.io
import pyarrow as pa


def read_documents(texts: Sequence[bytes], schema: arro3.core.Schema) -> pa.RecordBatch:
    """Read JSON texts as one batch.

    Args:
        texts: JSON documents, one after another; each may hold several.
        schema: What to read of them; other fields are left out without a word.

    Returns:
        One row per document.

    Raises:
        pyarrow.ArrowInvalid: A text is not JSON, or a value is of another type.
    """
    with _file_of(texts) as path:
        # The reader sets aside address space for so many documents: 8 kB for each, which some hosts grant and some do not.
        reader = arro3.io.read_json(path, schema=schema, batch_size=len(texts))
        table = pa.RecordBatchReader.from_stream(reader).read_all()
    return pa.concat_batches(table.to_batches()) if table.num_rows else _no_rows(table.schema)


@contextmanager
def _file_of(texts: Sequence[bytes]) -> Iterator[str]:
    """A file with the texts, for as long as the block runs; yields its path."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("genesys-page"), "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor, not a path
            _write(file.fileno(), texts)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    descriptor, path = tempfile.mkstemp(prefix="genesys-page-", suffix=".json")
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
            _write(file.fileno(), texts)
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108


def _write(descriptor: int, texts: Sequence[bytes]) -> None:
    for text in texts:
        rest = memoryview(text)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)
