"""Runs a statement in DuckDB: upstream rows in, batches of one schema out, both as streams.

Nothing is kept between statements. What does not fit into the memory limit goes to a temporary folder.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds

from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.frames import closing, tables
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.sql.shape import shaped

if TYPE_CHECKING:
    import duckdb

Source: TypeAlias = FrameStream | ds.Dataset | pa.Table
"""Rows of an upstream asset. A `FrameStream` can be read once, so a statement may name it once."""

_PREPARED = "prepared"


@dataclass(frozen=True)
class Limits:
    """What a statement may take.

    Attributes:
        memory: DuckDB's memory limit, as DuckDB writes sizes; rows beyond it go to disk where possible.
        threads: Threads that compute.
        rows_per_batch: Rows of the batches that come out.
    """

    memory: str = "1GB"
    threads: int = 2
    rows_per_batch: int = 8_192


# Errors whose text speaks of the statement or the machine; others can quote values, which are personal data.
_SHOWN = {"Binder Error", "Catalog Error", "IO Error", "Out of Memory Error", "Parser Error"}


class StatementError(LakeError):
    """DuckDB could not compute a statement."""

    def __init__(self, error: Exception, limits: Limits) -> None:
        kind, _, text = str(error).partition("\n")[0].partition(": ")
        what = f"{kind}: {text.rstrip('.!')}" if kind in _SHOWN else kind
        remedy = f" The limit is {limits.memory}: raise it." if kind == "Out of Memory Error" else ""
        super().__init__(f"DuckDB could not compute the statement. {what}.{remedy}")
        self.permanent = kind != "IO Error"  # a full disk can have room later


def query(
    statement: str,
    sources: Mapping[str, Source],
    schema: pa.Schema,
    *,
    parameters: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> Iterator[pa.RecordBatch]:
    """Runs a statement.

    Rows come in the order of the statement's ORDER BY, else in that of the source that it unfolds.

    Args:
        statement: One SELECT statement.
        sources: The tables that it names.
        schema: The columns that it returns, by name, with the types to have.
        parameters: Values of `$name` in the statement.
        limits: What it may take.

    Yields:
        Batches of exactly the schema. Close the iterator to stop early.

    Raises:
        StatementError: DuckDB refuses the statement or cannot finish it.
        FrameError: It returns other columns or types than the schema.
        Exception: Whatever a source raised, as it was raised.
    """
    limits = limits or Limits()
    opened = {name: _Opened(source) for name, source in sources.items()}
    with contextlib.ExitStack() as closed:
        con = closed.enter_context(_open(limits))
        for name, source in opened.items():
            closed.enter_context(closing(source))
            con.register(name, source.value)
            closed.callback(con.unregister, name)
        with _errors_of(opened.values(), limits):
            result = con.sql(statement, params=dict(parameters or {}))
            with closing(reader := result.to_arrow_reader(limits.rows_per_batch)):
                for batch in reader:
                    yield shaped(batch, schema)


@contextlib.contextmanager
def prepared(
    statement: str, name: str, schema: pa.Schema, limits: Limits | None = None
) -> "Iterator[Prepared]":
    """Opens DuckDB for one statement about tables that come one after another.

    To open it takes 30 ms and to plan a statement 15, more than a few thousand rows take.

    Args:
        statement: As for `query`.
        name: What it calls such a table.
        schema: As for `query`.
        limits: What it may take for each table.
    """
    limits = limits or Limits()
    with _open(limits) as con:
        yield Prepared(con, statement, name, schema, limits)


class Prepared:
    """A statement that was planned."""

    def __init__(
        self, con: "duckdb.DuckDBPyConnection", statement: str, name: str, schema: pa.Schema, limits: Limits
    ) -> None:
        self._con = con
        self._statement = statement
        self._name = name
        self._schema = schema
        self._limits = limits
        self._table: _Table | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """The rows that the statement makes of a table; raises as `query`."""
        with _errors_of((), self._limits):
            if self._table is None or self._table.now.schema != table.schema:
                self._table = self._planned(table)
            self._table.now = table
            result = self._con.sql(f"EXECUTE {_PREPARED}").to_arrow_table()
        batches = [shaped(batch, self._schema) for batch in result.to_batches()]
        return pa.Table.from_batches(batches, self._schema)

    def _planned(self, table: pa.Table) -> "_Table":
        """Plans the statement for tables with the columns of this one."""
        planned = _Table(table)
        self._con.register(self._name, planned)
        self._con.execute(f"PREPARE {_PREPARED} AS {self._statement}")
        return planned


class _Table:
    """What DuckDB takes for one table, though each time that it looks another may be there."""

    def __init__(self, now: pa.Table) -> None:
        self.now = now

    def __arrow_c_schema__(self) -> object:
        return self.now.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.now.__arrow_c_stream__(requested_schema)


@contextlib.contextmanager
def _errors_of(sources: Iterable["_Opened"], limits: Limits) -> Iterator[None]:
    """Raises what a source raised as it was, and DuckDB's own errors with a message that can be shown."""
    import duckdb

    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:  # while rows come, DuckDB's are OSErrors
        for source in sources:
            if source.error is not None:
                raise source.error from None
        raise StatementError(error, limits) from None


@contextlib.contextmanager
def _open(limits: Limits) -> "Iterator[duckdb.DuckDBPyConnection]":
    with tempfile.TemporaryDirectory(prefix="genesys-dagster-") as folder, _connected(limits, folder) as con:
        yield con


@contextlib.contextmanager
def _connected(limits: Limits, folder: str) -> "Iterator[duckdb.DuckDBPyConnection]":
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": limits.memory,
        "threads": limits.threads,
        "temp_directory": folder,
        # A worker has no business fetching code from the network.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        # Only what is registered is a table, not every local variable of that name.
        "python_enable_replacements": "false",
    }
    with duckdb.connect(":memory:", config=config) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


class _Opened:
    """A source in a form that DuckDB scans; an error of a stream is kept, where DuckDB keeps only its text."""

    def __init__(self, source: Source) -> None:
        self.error: Exception | None = None
        self._frames = source.frames if isinstance(source, FrameStream) else None
        self.value = self._reader(source) if isinstance(source, FrameStream) else source

    def close(self) -> None:
        close = getattr(self._frames, "close", None)
        if callable(close):
            close()

    def _reader(self, stream: FrameStream) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(stream.schema, self._batches(stream))

    def _batches(self, stream: FrameStream) -> Iterator[pa.RecordBatch]:
        try:
            for table in tables(stream):
                yield from table.to_batches()
        except Exception as error:
            self.error = error
            raise
