"""Texts as dictionaries, between what makes rows and what writes them: the codes go to Parquet as they are.

A row then costs its code, and a text is handled once for a row group. The bytes are those that the texts themselves
would give: the dictionary has the texts that occur, each once, in the order in which they first do.
"""

import base64
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CODES = pa.int32()


def is_coded(kind: pa.DataType, declared: pa.DataType) -> bool:
    """Whether a type is that of such a dictionary."""
    return bool(
        pa.types.is_dictionary(kind)
        and kind.index_type == CODES
        and kind.value_type == declared
        and pa.types.is_string(declared)
    )


def coded_columns(table: pa.Table, schema: pa.Schema) -> list[str]:
    """The columns that come as codes, though the schema has texts; one declared as a dictionary is none of them."""
    if table.schema.types == schema.types:
        return []
    return [field.name for field in table.schema if is_coded(field.type, schema.field(field.name).type)]


def decoded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the texts themselves."""
    return table if table.schema.equals(schema) else table.cast(schema)


def alike(tables: Sequence[pa.Table]) -> Sequence[pa.Table]:
    """Tables of the same columns, of which some may come as texts in one table and as codes in another: then as codes."""
    kinds = [table.schema.types for table in tables]
    if all(types == kinds[0] for types in kinds):
        return tables
    coded = {place for types in kinds for place, kind in enumerate(types) if pa.types.is_dictionary(kind)}
    return [_as_codes(table, coded) for table in tables]


def _as_codes(table: pa.Table, places: Iterable[int]) -> pa.Table:
    for place in places:
        if not pa.types.is_dictionary(table.schema.types[place]):
            codes = pc.dictionary_encode(table.column(place))
            table = table.set_column(place, table.schema.field(place).with_type(codes.type), codes)
    return table


def bits_of_texts(array: pa.DictionaryArray) -> int:
    """The size of the texts that a dictionary's codes stand for."""
    if not len(array.dictionary):
        return 0
    lengths = pc.binary_length(array.dictionary).take(array.indices)
    return 8 * int(pc.sum(lengths).as_py() or 0)


def for_parquet(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """One array of a column's codes, numbered as Parquet's encoder would."""
    parts = [_renumbered(chunk) for chunk in column.chunks]
    # A text can be in several parts, and twice in a dictionary.
    texts = pc.dictionary_encode(pa.concat_arrays([texts for _, texts in parts]))
    codes, begin = [], 0
    for part, own in parts:
        numbers = texts.indices.slice(begin, len(own))
        codes.append(part if _is_counting(numbers) else numbers.take(part))
        begin += len(own)
    return pa.DictionaryArray.from_arrays(pa.concat_arrays(codes), texts.dictionary)


def _renumbered(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Codes in the order in which they first occur, and their texts."""
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(array)
    again = pc.dictionary_encode(array.indices)
    return again.indices, array.dictionary.take(again.dictionary)


def _is_counting(numbers: pa.Array) -> bool:
    return bool(np.array_equal(numbers.to_numpy(), np.arange(len(numbers))))


def as_stored(schema: pa.Schema) -> dict[str, str]:
    """How Parquet's metadata tell Arrow's readers the schema (Arrow, "Reading and Writing the Apache Parquet Format")."""
    return {"ARROW:schema": base64.b64encode(schema.serialize()).decode()}
