"""Objects to an Arrow dataset: one schema over all of them, columns and rows selected where they lie.

Nothing is decoded before someone asks for rows; then only the row groups and columns that the
request needs are fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from genesys_dagster.lake.errors import ReadError, StorageError
from genesys_dagster.lake.objects import S3File

OPERATORS = ("=", "==", "!=", "<", "<=", ">", ">=", "in", "not in")

Term: TypeAlias = tuple[str, str, Any]


@dataclass(frozen=True)
class Selection:
    """Which columns and rows are wanted.

    Attributes:
        columns: Column names in the wanted order; None for all.
        terms: Groups of (column, operator, value) of which one must hold, each whole.
        expression: Which rows, in Arrow's own words. At most one of `terms` and `expression` is set.
    """

    columns: tuple[str, ...] | None = None
    terms: tuple[tuple[Term, ...], ...] | None = None
    expression: ds.Expression | None = None

    def filter(self, schema: pa.Schema) -> ds.Expression | None:
        """Returns the row filter for columns of this schema."""
        if self.terms is None:
            return self.expression
        return pq.filters_to_expression([list(group) for group in self.typed_terms(schema)])

    def typed_terms(self, schema: pa.Schema) -> tuple[tuple[Term, ...], ...]:
        """Returns the terms with values of their columns' types: times and dates may be given as text."""
        return tuple(tuple(_typed(term, schema) for term in group) for group in self.terms or ())


def selection(columns: Any = None, filters: Any = None) -> Selection:
    """Reads `columns` and `filters` as they stand in an input's metadata.

    Args:
        columns: Column names, or None.
        filters: `[("queueId", "in", [...]), ...]` (all must hold), a list of such lists (one of them
            must hold), a `pyarrow.compute.Expression`, or None. For a timestamp or date column the
            value may be ISO 8601 text, in UTC unless it says otherwise.

    Returns:
        The selection.

    Raises:
        ReadError: Something else was given.
    """
    if columns is not None:
        if isinstance(columns, str) or not columns or not all(isinstance(name, str) for name in columns):
            raise ReadError(
                f"`columns` in the input's metadata must be a list of column names, not {columns!r}."
            )
        columns = tuple(columns)
    if filters is None:
        return Selection(columns)
    if isinstance(filters, ds.Expression):
        return Selection(columns, expression=filters)
    return Selection(columns, terms=_groups(filters))


def _groups(filters: Any) -> tuple[tuple[Term, ...], ...]:
    """Brings a list of terms, or a list of lists of terms, to the latter."""
    try:
        single = isinstance(filters[0][0], str)
        groups = tuple(tuple(_term(term) for term in group) for group in ([filters] if single else filters))
    except (TypeError, ValueError, KeyError, IndexError):
        groups = ()
    if not groups or not all(groups) or isinstance(filters, str):
        raise ReadError(
            "`filters` in the input's metadata must be a list of (column, operator, value), or a list of such lists, "
            f"with operators {' '.join(OPERATORS)}; not {filters!r}."
        )
    return groups


def _term(term: Any) -> Term:
    column, operator, value = term
    if not isinstance(column, str) or operator not in OPERATORS:
        raise ValueError(operator)
    return column, operator, value


def _typed(term: Term, schema: pa.Schema) -> Term:
    """Turns text that is compared with a timestamp or a date into one."""
    column, operator, value = term
    if column not in schema.names:
        return term
    kind = schema.field(column).type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return term
    many = operator in {"in", "not in"}
    try:
        moments = [_moment(item, kind) for item in (value if many else [value])]
    except ValueError as error:
        raise ReadError(f"`filters` compare {column!r} with {value!r}, which is no ISO 8601 time.") from error
    return column, operator, moments if many else moments[0]


def _moment(value: Any, kind: pa.DataType) -> Any:
    """Returns a time or ISO 8601 text as a value that compares with the type."""
    if pa.types.is_date(kind):
        return date.fromisoformat(value) if isinstance(value, str) else value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        return moment
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Arrow compares only timestamps of the same zone.
    return zoned.astimezone(ZoneInfo(kind.tz)) if kind.tz else zoned.astimezone(UTC).replace(tzinfo=None)


def open_dataset(files: Sequence[S3File]) -> ds.Dataset:
    """Returns one dataset over objects, in their order.

    Objects of different ages may differ in columns: the dataset has them all, null where an object
    lacks one.

    Args:
        files: At least one object.

    Raises:
        ReadError: An object is not Parquet, or two have the same column with different types.
    """
    format_ = ds.ParquetFileFormat()
    fragments = [format_.make_fragment(file) for file in files]
    schemas = [_schema(fragment, file) for fragment, file in zip(fragments, files, strict=True)]
    try:
        schema = pa.unify_schemas(schemas, promote_options="default")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ReadError(
            f"The objects from {files[0].uri} to {files[-1].uri} have different types for one column, so they are "
            f"no one table: materialize the older partitions again. {error}"
        ) from error
    return ds.FileSystemDataset(fragments, schema, format_)


def facts(dataset: ds.Dataset) -> Mapping[str, str]:
    """What travels with the objects of a dataset (`Terms.facts`), of several that of the last; empty if nothing does."""
    said: dict[bytes, bytes] = {}
    for fragment in dataset.get_fragments():
        said |= getattr(getattr(fragment, "metadata", None), "metadata", None) or {}
    return {name.decode(): value.decode("utf-8", "replace") for name, value in said.items()}


def _schema(fragment: ds.Fragment, file: S3File) -> pa.Schema:
    try:
        return fragment.physical_schema
    except StorageError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ReadError(f"{file.uri} is not a readable Parquet object: {error}") from error


def checked(dataset: ds.Dataset, wanted: Selection) -> ds.Dataset:
    """Returns the dataset with the row filter applied, once columns and filter proved to fit it.

    Raises:
        ReadError: A wanted column does not exist, or the filter does not fit the columns.
    """
    if missing := [name for name in wanted.columns or () if name not in dataset.schema.names]:
        raise ReadError(f"`columns` names {missing}, which the upstream objects do not have.")
    condition = wanted.filter(dataset.schema)
    if condition is None:
        return dataset
    try:
        # Binds the filter to the schema; nothing is read.
        dataset.scanner(columns=list(wanted.columns) if wanted.columns else None, filter=condition)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ReadError(f"`filters` do not fit the upstream columns: {error}") from error
    return dataset.filter(condition)


def to_table(dataset: ds.Dataset, wanted: Selection) -> pa.Table:
    """Returns the selected columns and rows."""
    return checked(dataset, wanted).to_table(columns=list(wanted.columns) if wanted.columns else None)


def to_reader(dataset: ds.Dataset, wanted: Selection) -> pa.RecordBatchReader:
    """Returns the selected columns and rows as a stream."""
    scanner = checked(dataset, wanted).scanner(columns=list(wanted.columns) if wanted.columns else None)
    return scanner.to_reader()


def to_dataset(dataset: ds.Dataset, wanted: Selection) -> ds.Dataset:
    """Returns a dataset that has only the selected columns and rows."""
    if wanted.columns is None:
        return checked(dataset, wanted)
    checked(dataset, Selection(wanted.columns))
    # A dataset is projected by its schema, so its filter can only see those columns.
    narrow = dataset.replace_schema(pa.schema([dataset.schema.field(name) for name in wanted.columns]))
    return checked(narrow, wanted)
