"""Reads of a Parquet object only the leaves that a statement needs, also deep inside nested columns.

Arrow's datasets select whole columns; `participants` alone holds nine tenths of a conversation.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.nested import is_plain_list
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.sql.origin import Origin

# A few megabytes of conversations: what DuckDB takes at a time, and about half a row group.
_ROWS_PER_BATCH = 2_048

_Path: TypeAlias = tuple[tuple[str, ...], bool]
"""Steps that are left to go, and whether only the presence of what lies there counts."""


def narrowed(dataset: ds.Dataset, schema: pa.Schema) -> FrameStream:
    """Returns the rows of a dataset of Parquet objects as a stream, in order.

    Args:
        dataset: Its fragments are Parquet objects; one object, one fragment.
        schema: The columns to read, nested types with only the members to read. What an object of an older
            version lacks is null. A map comes as a list of (key, value), because DuckDB's maps refuse a key that
            occurs twice and a participant's attributes in JSON can have one.
    """
    given = pa.schema([field.with_type(_without_maps(field.type)) for field in schema])
    return FrameStream(given, _without_map_columns(record_batches(dataset, schema), given))


def needed(schema: pa.Schema, found: Iterable[Origin]) -> pa.Schema:
    """Returns the part of a table's schema that a statement reads.

    Args:
        schema: The table's schema.
        found: The origins of the statement in this table.

    Returns:
        The needed columns in the schema's order, structs with only the needed members.
    """
    paths = {origin.path: origin for origin in sorted(found, key=lambda origin: not origin.structural)}
    wanted = [(tuple(step.lower() for step in path), origin.structural) for path, origin in paths.items()]
    return pa.schema(_members(schema, wanted))


def _members(fields: Iterable[pa.Field], wanted: list[_Path]) -> list[pa.Field]:
    members = []
    for field in fields:
        below = [
            (path[1:], structural) for path, structural in wanted if path and path[0] == field.name.lower()
        ]
        if below:
            members.append(field.with_type(_needed(field.type, below)))
    return members


def _needed(kind: pa.DataType, wanted: list[_Path]) -> pa.DataType:
    """The part of a type that paths lead to; where only presence counts, the first leaf tells it."""
    if is_plain_list(kind):
        return pa.list_(_needed(kind.value_type, wanted))
    if not pa.types.is_struct(kind) or ((), False) in wanted:
        return kind
    return pa.struct(_members(kind, wanted) or [_first_leaf(kind.field(0))])


def _first_leaf(field: pa.Field) -> pa.Field:
    return field.with_type(_needed(field.type, [((), True)]))


def record_batches(
    dataset: ds.Dataset,
    schema: pa.Schema,
    plain: Collection[tuple[str, ...]] = ((),),
) -> Iterator[pa.RecordBatch]:
    """Reads the rows of a dataset of Parquet objects in batches, in order.

    Args:
        dataset: As for `narrowed`.
        schema: As for `narrowed`; maps stay maps.
        plain: Names from the column down to values whose texts come as such; others come as dictionaries where they
            are stored so.

    Raises:
        ReadError: An object cannot be read.
    """
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field.type)]
    coded = {leaf for leaf in leaves if not any(_names(leaf)[: len(names)] == names for names in plain)}
    for fragment in dataset.get_fragments():
        given: pa.Schema | None = None  # the same for all of an object
        try:
            source = fragment.open()
            footer = pq.read_metadata(source)
            dictionaries = sorted(coded & _stored_as_dictionaries(footer))
            with pq.ParquetFile(
                source, metadata=footer, read_dictionary=dictionaries, pre_buffer=True
            ) as file:
                # One row group at a time: its pages are fetched together, and dropped with it.
                for group in range(file.num_row_groups):
                    batches = file.iter_batches(_ROWS_PER_BATCH, row_groups=[group], columns=leaves)
                    for batch in batches:
                        given = given or _given(batch.schema, schema)
                        yield _conformed(batch, given)
        except (pa.ArrowException, OSError) as error:
            raise ReadError(
                "An upstream object is no readable Parquet object with columns of the expected types: materialize "
                f"the upstream partition again. ({type(error).__name__})"
            ) from error


def _stored_as_dictionaries(footer: pq.FileMetaData) -> set[str]:
    """The leaves with a dictionary in the first row group; what Parquet calls texts are byte arrays."""
    if not footer.num_row_groups:
        return set()
    group = footer.row_group(0)
    chunks = [group.column(at) for at in range(group.num_columns)]
    return {
        chunk.path_in_schema
        for chunk in chunks
        if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page
    }


def _names(leaf: str) -> tuple[str, ...]:
    """The names on the way to a leaf, without those that Parquet gives to lists and maps."""
    return tuple(leaf.replace(".list.element", "").replace(".key_value", "").split("."))


def _given(stored: pa.Schema, schema: pa.Schema) -> pa.Schema:
    """A schema with the dictionaries of what is stored."""
    kinds = dict(zip(stored.names, stored.types, strict=True))
    return pa.schema(
        [
            field.with_type(_with_dictionaries(field.type, kinds.get(field.name, field.type)))
            for field in schema
        ]
    )


def _conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    names = set(batch.schema.names)
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _with_dictionaries(kind: pa.DataType, given: pa.DataType) -> pa.DataType:
    """A type with the dictionaries of another."""
    if pa.types.is_struct(kind) and pa.types.is_struct(given):
        names = {member.name: member.type for member in given}
        return pa.struct(
            [
                member.with_type(_with_dictionaries(member.type, names.get(member.name, member.type)))
                for member in kind
            ]
        )
    if pa.types.is_map(kind) and pa.types.is_map(given):
        return pa.map_(
            _with_dictionaries(kind.key_type, given.key_type),
            _with_dictionaries(kind.item_type, given.item_type),
        )
    if is_plain_list(kind) and is_plain_list(given):
        return pa.list_(_with_dictionaries(kind.value_type, given.value_type))
    return given if pa.types.is_dictionary(given) and given.value_type == kind else kind


def _leaves(path: str, kind: pa.DataType) -> Iterable[str]:
    """The paths of a field's leaves in the Parquet schema (Parquet format, "LogicalTypes", Nested Types)."""
    if pa.types.is_struct(kind):
        for member in kind:
            yield from _leaves(f"{path}.{member.name}", member.type)
    elif pa.types.is_map(kind):
        yield from (f"{path}.key_value.key", f"{path}.key_value.value")
    elif is_plain_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path


def _without_map_columns(batches: Iterable[pa.RecordBatch], given: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [column.cast(field.type) for column, field in zip(batch.columns, given, strict=True)]
        yield pa.RecordBatch.from_arrays(columns, schema=given)


def _without_maps(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([member.with_type(_without_maps(member.type)) for member in kind])
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
    if is_plain_list(kind):
        return pa.list_(_without_maps(kind.value_type))
    return kind
