"""How each column is encoded in Parquet, decided from the first row group.

A dictionary pays where values repeat (enums, names of queues) and costs where they do not (ids):
measured on conversation records, dictionaries for repeating columns alone are both faster and
smaller than for all or for none. A field's metadata `dictionary` (`true` or `false`) decides where it
is given, the rows elsewhere. Either way equal rows give equal bytes.

Statistics are for the columns by which rows are filtered: no reader looks at those inside of lists, and making them
for all takes a fifteenth of the encoding of a conversation (benchmarks/stages.py). Texts can go without: where they are
ids in no order, they span the same range in every row group, and it is a third of the encoding of a flat table's texts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.lake.nested import is_plain_list, referred

# A column of the first row group keeps its dictionary if its values occur at least this often: inside of nested columns,
# and flat ones, where rows of one parent follow each other, which the codec sees as well.
_MIN_REPEATS = 4
_MIN_REPEATS_FLAT = 7
# Enough to tell an enum from an id.
_SAMPLE = 10_000


@dataclass(frozen=True)
class ColumnEncodings:
    """Arguments of `pyarrow.parquet.ParquetWriter`.

    Attributes:
        use_dictionary: Paths of the columns with a dictionary.
        column_encoding: Encodings of columns without a dictionary; others are plain.
        write_statistics: Paths of the columns with statistics.
    """

    use_dictionary: list[str]
    column_encoding: dict[str, str]
    write_statistics: list[str]


def choose_encodings(table: pa.Table, *, text_statistics: bool = True) -> ColumnEncodings:
    """Chooses from the rows of the first row group.

    Args:
        table: The rows, each column in one chunk.
        text_statistics: Whether columns of texts have statistics.

    Returns:
        The encodings of all leaf columns, at any depth.
    """
    dictionary: list[str] = []
    encodings: dict[str, str] = {}
    for path, field, values in leaves(table):
        if pa.types.is_timestamp(field.type):
            encodings[path] = "DELTA_BINARY_PACKED"
        elif _wants_dictionary(field, values, _MIN_REPEATS_FLAT if path == field.name else _MIN_REPEATS):
            dictionary.append(path)
    flat = [
        field.name
        for field in table.schema
        if not pa.types.is_nested(field.type) and (text_statistics or not _is_text(field.type))
    ]
    return ColumnEncodings(use_dictionary=dictionary, column_encoding=encodings, write_statistics=flat)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_dictionary(kind))


def _wants_dictionary(field: pa.Field, values: pa.Array, repeats: int) -> bool:
    """Returns what the schema declares, else whether the values occur so many times each."""
    declared = (field.metadata or {}).get(b"dictionary")
    if declared is not None:
        return bool(declared == b"true")
    if pa.types.is_boolean(field.type) or pa.types.is_null(field.type):
        return False
    present = values.slice(0, _SAMPLE).drop_null()
    if not len(present):
        return False
    try:
        distinct = pc.count_distinct(present).as_py()
    except pa.ArrowNotImplementedError:
        return False
    return bool(distinct * repeats <= len(present))


def leaves(table: pa.Table) -> Iterator[tuple[str, pa.Field, pa.Array]]:
    """Yields each leaf's path in the Parquet schema, its field and its values.

    Asking `ParquetFile.schema.column(i)` for the paths instead costs milliseconds for each of
    hundreds of columns.
    """
    for field, column in zip(table.schema, table.columns, strict=True):
        yield from _leaves_below(field.name, field, _first_values(column))


def _first_values(column: pa.ChunkedArray) -> pa.Array:
    """A column's one chunk, or of codes, which come in several, enough texts."""
    if pa.types.is_dictionary(column.type):
        return column.slice(0, _SAMPLE).cast(column.type.value_type).combine_chunks()
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _leaves_below(path: str, field: pa.Field, array: pa.Array) -> Iterator[tuple[str, pa.Field, pa.Array]]:
    """Follows the names that Parquet gives to nested fields (Parquet format, "LogicalTypes", Nested Types)."""
    kind = field.type
    if pa.types.is_struct(kind):
        for index, child in enumerate(kind):
            yield from _leaves_below(f"{path}.{child.name}", child, array.field(index))
    elif pa.types.is_map(kind):
        keys, items = referred(array, array.keys), referred(array, array.items)
        yield from _leaves_below(f"{path}.key_value.key", kind.key_field, keys)
        yield from _leaves_below(f"{path}.key_value.value", kind.item_field, items)
    elif is_plain_list(kind):
        yield from _leaves_below(f"{path}.list.element", kind.value_field, referred(array, array.values))
    elif pa.types.is_fixed_size_list(kind):
        yield from _leaves_below(f"{path}.list.element", kind.value_field, array.flatten())
    else:
        yield path, field, array
