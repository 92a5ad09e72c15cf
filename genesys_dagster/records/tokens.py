"""How many keys and strings a JSON text holds, and how many an Arrow array accounts for.

If both counts agree, every key of the text has become a value of the array: nothing was unknown, null, doubled, or
text where a number was declared. That is the whole check for drift on regular pages, at a tenth of the cost of
parsing them a second time (benchmarks/parsing.py).

The native reader takes two things for what they are not: a number for an instant, and text for a number. In the
counts one would make up for the other, so numbers for instants are looked for by name.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from genesys_dagster.records.errors import DoubtError
from genesys_dagster.records.wire import TIMESTAMP_NAMES

_QUOTE, _BACKSLASH, _COLON, _SPACE, _MINUS, _ZERO, _NINE = b'"\\: -09'
_WORD = np.dtype("<u8")
_BEGINNINGS = np.array(
    [int.from_bytes(name[:8], "little") for name in TIMESTAMP_NAMES], _WORD
)  # all are longer
_ONES, _HIGHS, _BACKSLASHES = (
    np.uint64(int.from_bytes(bytes([byte] * 8))) for byte in (0x01, 0x80, _BACKSLASH)
)


class Tokens(NamedTuple):
    """Object keys, and strings that are not keys."""

    keys: int
    strings: int

    def __add__(self, other: "Tokens") -> "Tokens":  # type: ignore[override]
        return Tokens(self.keys + other.keys, self.strings + other.strings)


def tokens_of_json(text: bytes) -> Tokens:
    r"""Count the tokens of a JSON object.

    Unescaped quotes open and close strings in turn; a string followed by a colon is a key. Only a real parser can
    tell of texts with an escaped backslash before a quote (`\\"`), texts with white space between a string and what
    follows it, and texts in which a number may stand for an instant.

    Raises:
        DoubtError: It is such a text.
    """
    data = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    escaped = data[quotes - 1] == _BACKSLASH
    if escaped.any():
        if (data[quotes[escaped] - 2] == _BACKSLASH).any():
            raise DoubtError
        quotes = quotes[~escaped]
    if len(quotes) % 2 or (len(quotes) and quotes[-1] + 1 == len(data)):
        raise DoubtError
    after = data[quotes[1::2] + 1]
    is_key = after == _COLON
    if (after <= _SPACE).any() or _may_hold_number_for_instant(text, data, quotes, is_key):
        raise DoubtError
    keys = int(np.count_nonzero(is_key))
    return Tokens(keys, len(quotes) // 2 - keys)


def _may_hold_number_for_instant(
    text: bytes, data: np.ndarray, quotes: np.ndarray, is_key: np.ndarray
) -> bool:
    """Whether a key that names an instant is followed by a number."""
    values = quotes[1::2] + 2
    first = data.take(values, mode="clip")
    if (is_space := is_key & (first <= _SPACE)).any():
        first[is_space] = data.take(values[is_space] + 1, mode="clip")
        if (is_key & (first <= _SPACE)).any():
            return True
    has_number = np.flatnonzero(is_key & ((first - _ZERO <= _NINE - _ZERO) | (first == _MINUS)))
    names = quotes[2 * has_number] + 1
    names = names[names <= len(data) - _WORD.itemsize]  # what begins later is too short
    if not len(names):
        return False
    words = np.ndarray(len(data) - _WORD.itemsize + 1, _WORD, text, strides=(1,))[names]
    differing = words ^ _BACKSLASHES
    is_escaped = (differing - _ONES) & ~differing & _HIGHS != 0  # one of the eight bytes is a backslash
    candidates = names[is_escaped | np.isin(words, _BEGINNINGS)].tolist()
    found = (text[start : text.index(b'"', start)] for start in candidates)
    return any(name in TIMESTAMP_NAMES or b"\\" in name for name in found)


def tokens_of_array(array: pa.Array) -> Tokens:
    """Count the keys and strings that must have stood in the JSON text of this array."""
    kind = array.type
    if pa.types.is_struct(kind):
        return _tokens_of_struct(array)
    if pa.types.is_map(kind):
        return Tokens(len(array.keys), _present(array.items))
    if pa.types.is_list(kind):
        return tokens_of_array(array.values) if len(array.values) else Tokens(0, 0)
    if pa.types.is_string(kind) or pa.types.is_timestamp(kind):
        return Tokens(0, _present(array))
    return Tokens(0, 0)


def _tokens_of_struct(array: pa.StructArray) -> Tokens:
    total = Tokens(0, 0)
    for index in range(array.type.num_fields):
        child = array.field(index)
        if present := _present(child):
            total = total + Tokens(present, 0) + tokens_of_array(child)
    return total


def _present(array: pa.Array) -> int:
    return int(len(array) - array.null_count)
