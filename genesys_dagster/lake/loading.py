"""From an input's annotation to the value it asks for, of one partition or of several.

Polars and DuckDB are recognised by name and imported only when an input asks for them.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.fetched import Fetched
from genesys_dagster.lake.objects import S3File, open_objects
from genesys_dagster.lake.reading import Selection, checked, open_dataset, to_dataset, to_reader, to_table

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


@dataclass(frozen=True)
class Loaded:
    """A value, and the partition keys that were asked for and are absent."""

    value: Any
    missing: Sequence[str]


class Kind(Enum):
    """What an input can be."""

    PANDAS = "pandas.DataFrame"
    TABLE = "pyarrow.Table"
    READER = "pyarrow.RecordBatchReader"
    DATASET = "pyarrow.dataset.Dataset"
    POLARS = "polars.DataFrame"
    LAZY_POLARS = "polars.LazyFrame"
    DUCKDB = "duckdb.DuckDBPyRelation"


_BY_NAME = {
    ("polars", "DataFrame"): Kind.POLARS,
    ("polars", "LazyFrame"): Kind.LAZY_POLARS,
    ("duckdb", "DuckDBPyRelation"): Kind.DUCKDB,
    ("_duckdb", "DuckDBPyRelation"): Kind.DUCKDB,
}


def kind_of(annotation: Any) -> Kind:
    """Returns what an annotation asks for; no annotation and `Any` ask for pandas.

    Raises:
        ReadError: The type is not one that can be loaded.
    """
    annotation = _unwrapped(annotation)
    if annotation is Any or annotation is None:
        return Kind.PANDAS
    if isinstance(annotation, type):
        for known, kind in (
            (pd.DataFrame, Kind.PANDAS),
            (pa.Table, Kind.TABLE),
            (pa.RecordBatchReader, Kind.READER),
        ):
            if issubclass(annotation, known):
                return kind
        if issubclass(ds.Dataset, annotation) and annotation is not object:
            return Kind.DATASET
        package = annotation.__module__.partition(".")[0]
        if by_name := _BY_NAME.get((package, annotation.__name__)):
            return by_name
    known_names = ", ".join(kind.value for kind in Kind)
    raise ReadError(
        f"An input annotated {annotation} cannot be loaded: annotate it with one of {known_names}, or with "
        "dict[str, …] of one for a value per partition."
    )


def per_partition(annotation: Any) -> tuple[bool, Any]:
    """Returns whether a mapping of partitions is asked for, and the annotation of one value."""
    annotation = _unwrapped(annotation)
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Mapping):
        arguments = get_args(annotation)
        return True, arguments[1] if len(arguments) == 2 else Any
    return False, annotation


def is_optional(annotation: Any) -> bool:
    """Returns whether an input can do without a value: `… | None`."""
    return _is_union(annotation) and type(None) in get_args(annotation)


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}


def _unwrapped(annotation: Any) -> Any:
    """Removes `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if _is_union(annotation):
        arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(arguments) == 1:
            return _unwrapped(arguments[0])
    return annotation


@dataclass(frozen=True)
class Request:
    """What an input asks for.

    Attributes:
        annotation: The input's type.
        wanted: Columns and rows.
        allow_missing: Whether absent partitions are left out instead of being an error.
        fetched: What inputs of this process fetched.
    """

    annotation: Any
    wanted: Selection
    allow_missing: bool = False
    fetched: Fetched | None = None


def load_partitions(client: "S3Client", bucket: str, keys: Mapping[str, str], request: Request) -> Loaded:
    """Loads partitions as one value, or as one value each where a mapping is asked for.

    Args:
        client: A boto3 S3 client.
        bucket: Bucket name.
        keys: Partition key to object key, in the order that the rows are to have.
        request: What the input asks for.

    Returns:
        The value, and the partition keys that were absent.

    Raises:
        ReadError: Partitions are missing, or the request does not fit the objects.
        StorageError: S3 refused or could not be reached.
    """
    as_mapping, annotation = per_partition(request.annotation)
    kind = kind_of(annotation)
    found = open_objects(client, bucket, list(keys.values()), request.fetched)
    missing = [partition for partition, key in keys.items() if key not in found]
    if missing and not request.allow_missing:
        raise ReadError(
            f"{len(missing)} of {len(keys)} partitions are not in s3://{bucket}: {listed(missing)}. Materialize them, or "
            "set `allow_missing_partitions` in the input's metadata to leave them out."
        )
    if as_mapping:
        present = {partition: found[key] for partition, key in keys.items() if key in found}
        value = {partition: load([file], kind, request.wanted, client) for partition, file in present.items()}
        return Loaded(value, missing)
    if not found:
        raise ReadError(
            f"None of the partitions {listed(list(keys))} is in s3://{bucket}, so there is not even a schema: "
            "materialize at least one."
        )
    return Loaded(load(list(found.values()), kind, request.wanted, client), missing)


def load_object(client: "S3Client", bucket: str, key: str, request: Request) -> Any:
    """Loads an unpartitioned asset; None if it is missing and the annotation allows for that.

    Raises:
        ReadError: The object is missing, or the request does not fit it.
        StorageError: S3 refused or could not be reached.
    """
    as_mapping, annotation = per_partition(request.annotation)
    if as_mapping:
        raise ReadError("The input is annotated as a mapping of partitions, but its asset has none.")
    found = open_objects(client, bucket, [key], request.fetched)
    if not found:
        if is_optional(request.annotation):
            return None
        raise ReadError(
            f"s3://{bucket}/{key} does not exist: materialize the asset first, or annotate the input `… | None`."
        )
    return load(list(found.values()), kind_of(annotation), request.wanted, client)


def load(files: Sequence[S3File], kind: Kind, wanted: Selection, client: "S3Client") -> Any:
    """Loads objects as one value.

    Args:
        files: At least one object, in partition order.
        kind: What to return.
        wanted: Columns and rows.
        client: The boto3 client, whose endpoint and credentials Polars' own reader takes over.

    Returns:
        The value; its rows are in the order of the files.
    """
    return _LOADERS[kind](files, wanted, client)


def _pandas(files: Sequence[S3File], wanted: Selection, _: "S3Client") -> pd.DataFrame:
    frame: pd.DataFrame = to_table(open_dataset(files), wanted).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _polars(files: Sequence[S3File], wanted: Selection, _: "S3Client") -> Any:
    import polars as pl

    return pl.from_arrow(to_table(open_dataset(files), wanted))


def _lazy_polars(files: Sequence[S3File], wanted: Selection, client: "S3Client") -> Any:
    from genesys_dagster.lake.lazy_polars import scan

    return scan(files, wanted, client)


def _duckdb(files: Sequence[S3File], wanted: Selection, _: "S3Client") -> Any:
    import duckdb

    relation = duckdb.from_arrow(checked(open_dataset(files), wanted))
    return relation.select(*map(_quoted, wanted.columns)) if wanted.columns else relation


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_LOADERS: Mapping[Kind, Callable[[Sequence[S3File], Selection, "S3Client"], Any]] = {
    Kind.PANDAS: _pandas,
    Kind.TABLE: lambda files, wanted, _: to_table(open_dataset(files), wanted),
    Kind.READER: lambda files, wanted, _: to_reader(open_dataset(files), wanted),
    Kind.DATASET: lambda files, wanted, _: to_dataset(open_dataset(files), wanted),
    Kind.POLARS: _polars,
    Kind.LAZY_POLARS: _lazy_polars,
    Kind.DUCKDB: _duckdb,
}


def listed(names: Sequence[str], limit: int = 20) -> str:
    """Returns names as text, the first few of many."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
