"""How many keys and strings a JSON text holds, and how many an Arrow array accounts for.

If both counts agree, every key of the text has become a value of the array: nothing was unknown, null, doubled, or
text where a number was declared. That is the whole check for drift on regular pages, at a tenth of the cost of
parsing them a second time (benchmarks/parsing.py).
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

_QUOTE, _BACKSLASH, _COLON, _SPACE = b'"\\: '


class Tokens(NamedTuple):
    """Object keys, and strings that are not keys."""

    keys: int
    strings: int

    def __add__(self, other: "Tokens") -> "Tokens":  # type: ignore[override]
        return Tokens(self.keys + other.keys, self.strings + other.strings)


def tokens_of_json(text: bytes) -> Tokens | None:
    r"""Count the tokens of a JSON object, or return None where only a real parser can tell.

    Unescaped quotes open and close strings in turn; a string followed by a colon is a key. Undecided are texts with
    an escaped backslash before a quote (`\\"`) and texts with white space between a string and what follows it.
    """
    data = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    escaped = data[quotes - 1] == _BACKSLASH
    if escaped.any():
        if (data[quotes[escaped] - 2] == _BACKSLASH).any():
            return None
        quotes = quotes[~escaped]
    if len(quotes) % 2 or (len(quotes) and quotes[-1] + 1 == len(data)):
        return None
    after = data[quotes[1::2] + 1]
    if (after <= _SPACE).any():
        return None
    keys = int(np.count_nonzero(after == _COLON))
    return Tokens(keys, len(quotes) // 2 - keys)


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
