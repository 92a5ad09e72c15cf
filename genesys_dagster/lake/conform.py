"""One frame to a table of exactly the schema that the object has.

Columns are matched by name. Types are cast where no value changes; anything else is an error that
names the column.
"""

from typing import Any

import pandas as pd
import pyarrow as pa

from genesys_dagster.lake.coded import is_coded
from genesys_dagster.lake.errors import FrameError
from genesys_dagster.lake.nested import is_plain_list, referred


def schema_of(frame: pd.DataFrame | pa.RecordBatch | pa.Table) -> pa.Schema:
    """Returns a frame's Arrow schema, without an index and without pandas' own metadata."""
    if isinstance(frame, pd.DataFrame):
        _check_pandas(frame)
        try:
            schema = pa.Schema.from_pandas(frame, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise FrameError(f"The DataFrame has no Arrow form: {error}") from error
    else:
        schema = frame.schema
        _check_names(schema.names)
    return without_pandas(schema)


def without_pandas(schema: pa.Schema) -> pa.Schema:
    """Returns the schema without what pandas notes about index and dtypes.

    Those notes differ between equal data, and objects of equal data are byte-identical.
    """
    kept = {name: value for name, value in (schema.metadata or {}).items() if name != b"pandas"}
    return schema.with_metadata(kept or None)


def conform(
    frame: pd.DataFrame | pa.RecordBatch | pa.Table, schema: pa.Schema, *, coded: bool = False
) -> pa.Table:
    """Brings a frame to the schema, without copying what already fits.

    Args:
        frame: The frame.
        schema: The schema to have.
        coded: Leave texts that come as dictionaries as they are.

    Returns:
        A table of that schema.

    Raises:
        FrameError: A column is missing, unknown, of another type, or null where nulls are excluded.
    """
    if isinstance(frame, pd.DataFrame):
        _check_pandas(frame)
        names = list(frame.columns)
    else:
        names = frame.schema.names
    _check_columns(names, schema)
    columns = [_column(frame, field, coded=coded) for field in schema]
    for field, column in zip(schema, columns, strict=True):
        if _breaks_nullability(column, field):
            raise FrameError(
                f"Column {field.name!r} must not be null (schema), but the frame has nulls in it."
            )
    fields = [field.with_type(column.type) for field, column in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, schema.metadata) if coded else schema)


def _column(
    frame: pd.DataFrame | pa.RecordBatch | pa.Table, field: pa.Field, *, coded: bool
) -> pa.ChunkedArray:
    """Returns one column with the field's type."""
    try:
        if isinstance(frame, pd.DataFrame):
            column = _from_series(frame[field.name], field.type)
        else:
            column = frame.column(field.name)
        if column.type != field.type and not (coded and is_coded(column.type, field.type)):
            column = column.cast(field.type, safe=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise FrameError(
            f"Column {field.name!r} does not fit the schema's type {field.type}: {_shortened(error)}"
        ) from error
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _from_series(series: "pd.Series[Any]", wanted: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Returns a pandas column as Arrow: an Arrow-backed one as it is, others converted."""
    if isinstance(series.dtype, pd.ArrowDtype):
        return series.array.__arrow_array__()
    return pa.array(series, type=wanted, from_pandas=True, safe=True)


def _breaks_nullability(column: pa.Array | pa.ChunkedArray, field: pa.Field) -> bool:
    """Returns whether there is a null where the schema, at any depth, excludes it."""
    if not field.nullable and column.null_count:
        return True
    if not _excludes_nulls(field.type):
        return False
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return any(_breaks_below(chunk, field.type) for chunk in chunks)


def _breaks_below(array: pa.Array, kind: pa.DataType) -> bool:
    """Looks into a nested array; what lies under a null parent does not count."""
    if pa.types.is_struct(kind):
        return any(_breaks_nullability(child, kind.field(i)) for i, child in enumerate(array.flatten()))
    if pa.types.is_map(kind):
        present = array.drop_null() if array.null_count else array
        return _breaks_nullability(referred(present, present.items), kind.item_field)
    return _breaks_nullability(array.flatten(), kind.value_field)


def _excludes_nulls(kind: pa.DataType) -> bool:
    """Returns whether a nested type has a non-nullable field at some depth (map keys aside)."""
    if pa.types.is_struct(kind):
        return any(not child.nullable or _excludes_nulls(child.type) for child in kind)
    if pa.types.is_map(kind):
        return not kind.item_field.nullable or _excludes_nulls(kind.item_type)
    if is_plain_list(kind) or pa.types.is_fixed_size_list(kind):
        return not kind.value_field.nullable or _excludes_nulls(kind.value_type)
    return False


def _check_columns(names: list[Any], schema: pa.Schema) -> None:
    """Compares a frame's column names with the schema's."""
    _check_names(names)
    given, known = set(names), set(schema.names)
    if missing := [name for name in schema.names if name not in given]:
        raise FrameError(f"A frame lacks the columns {missing} of the schema.")
    if unknown := [name for name in names if name not in known]:
        raise FrameError(f"A frame has the columns {unknown}, which the schema does not know.")


def _check_names(names: list[Any]) -> None:
    if len(set(names)) != len(names):
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        raise FrameError(f"A frame has several columns named {twice}: rename them.")
    if odd := [name for name in names if not isinstance(name, str)]:
        raise FrameError(f"Column names must be text, not {odd}: rename the columns.")
    if not names:
        raise FrameError("A frame has no columns, so it cannot be written as Parquet.")


def _check_pandas(frame: pd.DataFrame) -> None:
    """Refuses what would be lost without a word."""
    _check_names(list(frame.columns))
    if named := [name for name in frame.index.names if name is not None]:
        raise FrameError(
            f"The DataFrame's index is named {named}, and an index is not stored: call reset_index() to keep it as "
            "columns, or reset_index(drop=True)."
        )


def _shortened(error: Exception, limit: int = 200) -> str:
    """Returns the first line of an error's text, without the values that may follow."""
    text = str(error).partition("\n")[0]
    return text if len(text) <= limit else text[:limit] + "…"
