"""Texts as dictionaries, between what makes rows and what writes them: the codes go to Parquet as they are.

A row then costs its code, and a text is handled once for a row group. The bytes are those that the texts themselves
would give: the dictionary has the texts that occur, each once, in the order in which they first do.
"""

import base64
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

CODES = pa.int32()
_Codes = npt.NDArray[np.int32]
_NULL = -1


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


def most_bytes_of_texts(array: pa.DictionaryArray) -> int:
    """What these texts have at most, if each were the longest: found without looking at the codes."""
    texts = array.dictionary
    if not len(texts):
        return 0
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return len(array) * int(np.diff(ends).max())


def for_parquet(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """One array of a column's codes, numbered as Parquet's encoder would.

    A run of equal codes is numbered at once: rows of one parent follow each other, and most columns are a parent's.
    """
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.dictionary(CODES, pa.string()))
    parts = [_coded(chunk) for chunk in column.chunks]
    given = pa.concat_arrays([part.indices for part in parts])
    is_valid = _validity(given)
    codes = _without_overlap(given, parts)
    if is_valid is not None:
        np.copyto(codes, _NULL, where=~is_valid)
    starts = _starts(codes)
    runs = codes if starts is None else codes[starts]
    numbers, texts = _numbered(runs, pa.concat_arrays([part.dictionary for part in parts]))
    made = numbers if starts is None else np.repeat(numbers, np.diff(starts, append=len(codes)))
    bitmap = None if is_valid is None else pa.py_buffer(np.packbits(is_valid, bitorder="little"))
    indices = pa.Array.from_buffers(CODES, len(made), [bitmap, pa.py_buffer(made)])
    return pa.DictionaryArray.from_arrays(indices, texts)


def _coded(array: pa.Array) -> pa.DictionaryArray:
    """Codes of texts, none of which stands for null."""
    if not pa.types.is_dictionary(array.type):
        return pc.dictionary_encode(array)
    return pc.dictionary_encode(array.cast(pa.string())) if array.dictionary.null_count else array


def _validity(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    if not array.null_count:
        return None
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :].view(bool)


def _without_overlap(given: pa.Array, parts: Sequence[pa.DictionaryArray]) -> _Codes:
    """The codes of all parts, as if their dictionaries were one behind the other."""
    codes = np.frombuffer(given.buffers()[1], np.int32)[given.offset : given.offset + len(given)].copy()
    row = texts = 0
    for part in parts:
        codes[row : row + len(part)] += texts
        row += len(part)
        texts += len(part.dictionary)
    return codes


def _starts(codes: _Codes) -> npt.NDArray[np.intp] | None:
    """Where runs of equal codes begin; None if there are too many of them to be of use."""
    is_first = np.empty(len(codes), bool)
    is_first[0] = True
    np.not_equal(codes[1:], codes[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    return starts if 2 * len(starts) < len(codes) else None


def _numbered(codes: _Codes, texts: pa.Array) -> tuple[_Codes, pa.Array]:
    """Numbers codes in the order in which their texts first occur, each text once: it can be in several parts."""
    if (codes[1:] > codes[:-1]).all():  # the first of them is then the only one that can stand for null
        order, places = codes, np.arange(len(codes), dtype=np.int32)
    else:
        first = pc.dictionary_encode(pa.array(codes))
        order, places = first.dictionary.to_numpy(), first.indices.to_numpy()
    is_text = order != _NULL
    once = pc.dictionary_encode(texts.take(pa.array(order[is_text])))
    numbers = np.zeros(len(order), np.int32)
    numbers[is_text] = once.indices.to_numpy()
    return numbers[places], once.dictionary


def as_stored(schema: pa.Schema) -> dict[str, str]:
    """How Parquet's metadata tell Arrow's readers the schema (Arrow, "Reading and Writing the Apache Parquet Format")."""
    return {"ARROW:schema": base64.b64encode(schema.serialize()).decode()}
