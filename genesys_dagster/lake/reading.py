"""Objects to an Arrow dataset: one schema over all of them, columns and rows selected where they lie.

Nothing is decoded before someone asks for rows; then only the row groups and columns that the
request needs are fetched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from genesys_dagster.lake.errors import ReadError, StorageError
from genesys_dagster.lake.objects import S3File


@dataclass(frozen=True)
class Selection:
    """Which columns and rows are wanted.

    Attributes:
        columns: Column names in the wanted order; None for all.
        filter: Which rows; None for all.
        terms: The filter as it was given, if it was a list of tuples.
    """

    columns: tuple[str, ...] | None = None
    filter: ds.Expression | None = None
    terms: Sequence[Any] | None = None


def selection(columns: Any = None, filters: Any = None) -> Selection:
    """Reads `columns` and `filters` as they stand in an input's metadata.

    Args:
        columns: Column names, or None.
        filters: `[("queueId", "in", [...]), ...]` (all must hold), a list of such lists (one of them
            must hold), a `pyarrow.compute.Expression`, or None.

    Returns:
        The selection.

    Raises:
        ReadError: Something else was given.
    """
    if columns is not None:
        if (
            isinstance(columns, str)
            or not all(isinstance(name, str) for name in columns)
            or not list(columns)
        ):
            raise ReadError(
                f"`columns` in the input's metadata must be a list of column names, not {columns!r}."
            )
        columns = tuple(columns)
    if filters is None or isinstance(filters, ds.Expression):
        return Selection(columns, filters)
    try:
        return Selection(columns, pq.filters_to_expression(filters), filters)
    except (ValueError, TypeError, IndexError) as error:
        raise ReadError(
            f"`filters` in the input's metadata must be a list of (column, operator, value) tuples, a list of such "
            f"lists, or a pyarrow Expression: {error}"
        ) from error


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
    if wanted.filter is None:
        return dataset
    try:
        # Binds the filter to the schema; nothing is read.
        dataset.scanner(columns=list(wanted.columns) if wanted.columns else None, filter=wanted.filter)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ReadError(f"`filters` do not fit the upstream columns: {error}") from error
    return dataset.filter(wanted.filter)


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
