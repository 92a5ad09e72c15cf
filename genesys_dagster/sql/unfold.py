"""Makes the rows of a flat table from nested ones: lists unfolded by Arrow, what is computed by DuckDB.

A value of a parent is copied to none of its children's rows: they hold its number, as a dictionary's code, and so do
texts that are stored as such. What writes Parquet takes the codes as they are (`lake/coded.py`).
"""

from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from genesys_dagster.lake.ahead import ahead
from genesys_dagster.lake.frames import closing
from genesys_dagster.lake.nested import is_plain_list, referred
from genesys_dagster.sql.engine import prepared
from genesys_dagster.sql.narrow import needed, record_batches
from genesys_dagster.sql.origin import union
from genesys_dagster.sql.origins import Origins
from genesys_dagster.sql.shape import shaped_column
from genesys_dagster.sql.table_specs import TableSpec
from genesys_dagster.sql.unfold_plan import Count, Member, Plan, Position, Value, plan

_Numbers = npt.NDArray[np.int32]


def unfolded(
    spec: TableSpec, found: Origins, upstream: pa.Schema, dataset: ds.Dataset
) -> Iterator[pa.RecordBatch]:
    """Computes a table.

    Args:
        spec: The table.
        found: The origins of its columns.
        upstream: The schema of what it is made of.
        dataset: The rows of that: Parquet objects of any age.

    Yields:
        Batches of its schema, in the order of the rows upstream; texts may be dictionaries.

    Raises:
        ReadError: An object cannot be read.
        StatementError: DuckDB cannot compute a column.
        FrameError: A column is not of its type.
    """
    schema, made = spec.schema, plan(spec.statement)
    batches = ahead(record_batches(dataset, needed(upstream, found.all()), _nested(made, schema)))
    computed = [name for name in schema.names if made.columns[name] is None]
    names = needed(upstream, found.rows | union(found.columns[name] for name in computed))
    rest = pa.schema([schema.field(name) for name in computed])
    with prepared(made.rest, made.source, rest) if made.rest else nullcontext() as compute, closing(batches):
        for batch in batches:
            rows = _Rows(made, batch)
            columns = {name: rows.column(value) for name, value in made.columns.items() if value is not None}
            if compute:
                answer = compute(_part_of(batch, names)).columns
                columns |= zip(computed, (column.combine_chunks() for column in answer), strict=True)
            yield _batch([shaped_column(columns[field.name], field) for field in schema], schema)


def _part_of(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    part = _part(batch.to_struct_array(), schema)
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(part)])


def _batch(columns: list[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    fields = [field.with_type(column.type) for field, column in zip(schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _nested(made: Plan, schema: pa.Schema) -> Collection[tuple[str, ...]]:
    """The names from the row upstream down to values that are columns as they are, with all that is nested in them."""
    above: list[tuple[str, ...]] = [()]
    for part in made.lists:
        above.append((*above[part.level], *part.path))
    return {
        (*above[value.level], *value.path)
        for name, value in made.columns.items()
        if isinstance(value, Member) and pa.types.is_nested(schema.field(name).type)
    }


@dataclass(frozen=True)
class _Level:
    """Rows of a level: for each, the row above and the position in its list."""

    items: pa.Array
    parents: _Numbers
    positions: _Numbers


class _Rows:
    """The rows that a batch unfolds to."""

    def __init__(self, made: Plan, batch: pa.RecordBatch) -> None:
        none = np.empty(0, np.int32)
        self._levels = [_Level(batch.to_struct_array(), none, none)]
        for part in made.lists:
            self._levels.append(_unfold(self._member(part)))
        self._ancestors = self._followed(made.without_nulls)

    def column(self, value: Value) -> pa.Array:
        """The values of a column."""
        match value:
            case Member():
                return _taken(self._member(value), self._ancestors[value.level])
            case Position():
                at = self._ancestors[value.level]
                positions = self._levels[value.level].positions
                return pa.array(positions if at is None else positions[at])
            case Count():
                return _taken(_lengths(self._member(value.of)), self._ancestors[value.of.level])

    def _followed(self, without_nulls: bool) -> list[_Numbers | None]:
        """For each level, which of its rows each result row belongs to; None: each to its own."""
        items = self._levels[-1].items
        at = np.flatnonzero(items.is_valid()).astype(np.int32) if without_nulls and items.null_count else None
        ancestors = [at]
        for level in reversed(self._levels[1:]):
            at = level.parents if at is None else level.parents[at]
            ancestors.append(at)
        return ancestors[::-1]

    def _member(self, member: Member) -> pa.Array:
        array = self._levels[member.level].items
        for name in member.path:
            # Null where the struct is.
            array = pc.struct_field(array, name) if array.null_count else array.field(name)
        return array


def _unfold(array: pa.Array) -> _Level:
    """The items of lists; a list that is null has none."""
    lengths = _lengths(array).fill_null(0).to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    positions = np.arange(len(parents), dtype=np.int32) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    items = array.drop_null() if array.null_count else array
    if pa.types.is_map(array.type):
        pair = [referred(items, items.keys), referred(items, items.items)]
        return _Level(pa.StructArray.from_arrays(pair, ["key", "value"]), parents, positions)
    return _Level(items.flatten(), parents, positions)


def _lengths(array: pa.Array) -> pa.Array:
    lengths = np.diff(array.offsets.to_numpy()).astype(np.int64)
    return pa.array(lengths, mask=np.asarray(array.is_null()) if array.null_count else None)


def _taken(array: pa.Array, at: _Numbers | None) -> pa.Array:
    """The values at some positions, of texts only their codes."""
    if at is None:
        return array
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices.take(pa.array(at)), array.dictionary)
    if not pa.types.is_string(array.type):
        return array.take(pa.array(at))
    return pa.DictionaryArray.from_arrays(
        pa.array(at, mask=np.asarray(array.is_null())[at] if array.null_count else None), array.fill_null("")
    )


def _part(array: pa.Array, members: pa.Schema | pa.StructType) -> pa.Array:
    """An array of structs with only some members, at any depth."""
    fields = [pa.field(member.name, member.type) for member in members]
    arrays = [_inside(array.field(field.name), field.type) for field in fields]
    fields = [field.with_type(made.type) for field, made in zip(fields, arrays, strict=True)]
    return pa.StructArray.from_arrays(
        arrays, fields=fields, mask=array.is_null() if array.null_count else None
    )


def _inside(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):
        return _part(array, kind)
    if is_plain_list(kind) and is_plain_list(array.type):
        items = _inside(array.values, kind.value_type)
        return pa.ListArray.from_arrays(
            array.offsets, items, mask=array.is_null() if array.null_count else None
        )
    return array
