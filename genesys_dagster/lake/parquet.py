"""Tables to Parquet bytes, one row group at a time.

The encoder runs on a thread of its own (pyarrow releases the GIL), so the next row group is made
while one is encoded. In memory: the row group that is encoded and the one that is gathered.
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from genesys_dagster.lake.coded import as_stored, coded_columns, for_parquet
from genesys_dagster.lake.encodings import choose_encodings
from genesys_dagster.lake.nested import count_nulls
from genesys_dagster.lake.rowgroups import RowGroups

MIB = 1024 * 1024

CODECS = ("zstd", "snappy", "lz4", "gzip", "brotli", "none")
# Of a column's values; the default of 1,024 costs 4 % of the time that a conversation takes.
_LEVELS_AT_ONCE = 64 * 1024
# Two writes for each column of a row group would be 700 waits for the GIL, which other threads want as well.
_BYTES_AT_ONCE = MIB
_CODECS_WITH_LEVELS = {"zstd", "gzip", "brotli"}


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> int:
        """Takes all of the bytes."""
        ...


@dataclass(frozen=True)
class ParquetSettings:
    """How objects are encoded.

    Attributes:
        compression: One of `CODECS`.
        compression_level: Level of the codec; None for its default. Ignored by codecs without levels.
        rows_per_row_group: Rows at which a row group ends.
        bytes_per_row_group: Bytes of values (as in Arrow) at which a row group ends if that comes first.
        text_statistics: Whether columns of texts have statistics, by which readers pass over row groups.
    """

    compression: str = "zstd"
    compression_level: int | None = 1
    rows_per_row_group: int = 4_000
    bytes_per_row_group: int = 96 * MIB
    text_statistics: bool = True


class ParquetEncoder:
    """Tables in, Parquet bytes out to a sink.

    Leave the `with` block without `finish` and nothing more reaches the sink.
    """

    def __init__(self, sink: Sink, schema: pa.Schema, settings: ParquetSettings) -> None:
        """Prepares the encoder; nothing is written yet.

        Args:
            sink: Takes the file's bytes in order, from the encoder's thread.
            schema: Schema of all tables.
            settings: How to encode.
        """
        self._file = _File(sink, schema, settings)
        self._schema = schema
        self._groups = RowGroups(schema, settings.rows_per_row_group, settings.bytes_per_row_group)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._running: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._file.abandon()

    @property
    def row_groups(self) -> int:
        """Row groups written so far."""
        return self._file.row_groups

    def write(self, table: pa.Table) -> None:
        """Takes rows; waits if a row group is complete and the one before is still being encoded."""
        for group in self._groups.add(table):
            self._encode(group)

    def finish(self, facts: Mapping[str, str] | None = None) -> None:
        """Encodes what is left and the footer.

        Args:
            facts: Key-value metadata of the file, besides the schema.
        """
        for group in self._groups.rest():
            self._encode(group)
        self._wait()
        self._thread.submit(self._file.close, dict(facts or {})).result()

    def _encode(self, group: pa.Table) -> None:
        if is_first := not self._file.is_begun:
            group = self._in_one_chunk(group)
            self._file.begin(group)
        # Codes are small, so those of this row group can be there while the one before is encoded.
        group = self._file.numbered(group)
        self._wait()
        # The chunks are free while it is encoded.
        whole = group if is_first else self._in_one_chunk(group)
        self._running = self._thread.submit(self._file.write, whole)

    def _in_one_chunk(self, group: pa.Table) -> pa.Table:
        """One chunk per column, of codes as they are: page limits follow chunks, and bytes must depend on rows only."""
        for column in group.columns:
            for chunk in column.chunks:
                count_nulls(chunk)
        coded = coded_columns(group, self._schema)
        whole = group.drop_columns(coded).combine_chunks()
        columns = [(group if name in coded else whole).column(name) for name in group.schema.names]
        return pa.Table.from_arrays(columns, schema=group.schema)

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None


class _File:
    """The Parquet file; used by one thread at a time, but for `numbered`."""

    def __init__(self, sink: Sink, schema: pa.Schema, settings: ParquetSettings) -> None:
        self._output = _Output(sink)
        self._buffer = pa.BufferedOutputStream(pa.PythonFile(self._output, mode="w"), _BYTES_AT_ONCE)
        self._schema = schema
        self._settings = settings
        self._writer: pq.ParquetWriter | None = None
        self._coded: set[str] = set()
        self.row_groups = 0

    @property
    def is_begun(self) -> bool:
        """Whether the encodings are chosen."""
        return self._writer is not None

    def begin(self, first: pa.Table) -> None:
        """Chooses the encodings."""
        self._writer = self._open(first)

    def numbered(self, group: pa.Table) -> pa.Table:
        """The rows with codes as Parquet has them; may run while other rows are written."""
        for name in self._coded:
            group = self._with(group, name, for_parquet(group.column(name)))
        return group

    def write(self, group: pa.Table) -> None:
        """Writes rows, in one chunk per column, as one row group."""
        for name in {*coded_columns(group, self._schema)} - self._coded:
            column = group.column(name).cast(self._schema.field(name).type)
            group = self._with(group, name, column.combine_chunks())
        self._begun().write_table(group, row_group_size=max(1, group.num_rows))
        self.row_groups += 1

    def close(self, facts: Mapping[str, str]) -> None:
        """Writes the footer."""
        if self._writer is None:
            self.begin(self._schema.empty_table())
        writer = self._begun()
        for said in (as_stored(self._schema) if self._coded else {}, facts):
            if said:
                writer.add_key_value_metadata(said)
        writer.close()
        self._buffer.close()

    def abandon(self) -> None:
        """Lets nothing more out: a writer that was not closed would still write a footer when it is freed."""
        self._output.is_open = False

    def _begun(self) -> pq.ParquetWriter:
        if self._writer is None:
            raise ValueError("The encodings are not chosen.")
        return self._writer

    def _with(self, group: pa.Table, name: str, column: pa.Array) -> pa.Table:
        place = group.schema.get_field_index(name)
        return group.set_column(place, self._begun().schema.field(name), column)

    def _open(self, first: pa.Table) -> pq.ParquetWriter:
        encodings = choose_encodings(first, text_statistics=self._settings.text_statistics)
        self._coded = {*coded_columns(first, self._schema)} & {*encodings.use_dictionary}
        fields = [
            field.with_type(first.schema.field(field.name).type) if field.name in self._coded else field
            for field in self._schema
        ]
        codec = self._settings.compression
        options: dict[str, Any] = {
            "compression": codec,
            "compression_level": self._settings.compression_level if codec in _CODECS_WITH_LEVELS else None,
            "write_batch_size": _LEVELS_AT_ONCE,
            "store_schema": not self._coded,  # it would tell readers of dictionaries
            **asdict(encodings),
        }
        return pq.ParquetWriter(self._buffer, pa.schema(fields, self._schema.metadata), **options)


class _Output:
    """The sink as the file object that Arrow expects; closing the file does not commit the upload."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.is_open = True

    def write(self, data: bytes) -> int:
        return self._sink.write(data) if self.is_open else len(data)

    def flush(self) -> None:
        """Nothing to do: the sink decides when bytes leave."""

    def close(self) -> None:
        """Nothing to do: the upload is committed by its owner."""
