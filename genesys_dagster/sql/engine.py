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
    with engine(limits) as opened:
        yield from opened.query(statement, sources, schema, parameters)


@contextlib.contextmanager
def engine(limits: Limits | None = None) -> "Iterator[Engine]":
    """Opens DuckDB for several statements, which takes as long as a small one of them.

    Args:
        limits: What each statement may take.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="genesys-dagster-") as folder, _connected(limits, folder) as con:
        yield Engine(con, limits)


class Engine:
    """DuckDB, open."""

    def __init__(self, con: "duckdb.DuckDBPyConnection", limits: Limits) -> None:
        self._con = con
        self._limits = limits

    def query(
        self,
        statement: str,
        sources: Mapping[str, Source],
        schema: pa.Schema,
        parameters: Mapping[str, Any] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Runs one statement, as `query`; one after another."""
        opened = {name: _Opened(source) for name, source in sources.items()}
        with contextlib.ExitStack() as closed:
            for name, source in opened.items():
                closed.enter_context(closing(source))
                self._con.register(name, source.value)
                closed.callback(self._con.unregister, name)
            with _errors_of(opened.values(), self._limits):
                result = self._con.sql(statement, params=dict(parameters or {}))
                with closing(reader := result.to_arrow_reader(self._limits.rows_per_batch)):
                    for batch in reader:
                        yield shaped(batch, schema)


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
