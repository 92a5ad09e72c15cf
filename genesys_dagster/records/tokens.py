"""How many strings a JSON text holds, keys included, and how many an Arrow array accounts for.

If both counts agree, every key of the text has become a value of the array: nothing was unknown, null, doubled, or
text where a number was declared. Each of these leaves at least one string over, and nothing that the native reader
accepts makes up for one, as it reads instants as text (`wire`). That is the whole check for drift on regular pages, at
a twentieth of the cost of parsing them (benchmarks/parsing.py).
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

_QUOTE = np.uint8(ord('"'))
_CHUNK = (
    256 * 1024
)  # bytes; a comparison of the whole page costs three times as much, for the memory it takes
_MANY_ESCAPES = 20_000


class Scan(NamedTuple):
    """What a look at the bytes of a JSON text tells.

    Attributes:
        strings: Strings in it, keys included.
        has_nul: Whether one of them holds a NUL.
    """

    strings: int
    has_nul: bool


def scan(text: bytes) -> Scan:
    """Count the strings of a JSON text: two quotes each that are not escaped."""
    escaped, has_nul = _escapes(text)
    return Scan((_quotes(text) - escaped) // 2, has_nul or b"\0" in text)


def _quotes(text: bytes) -> int:
    data = np.frombuffer(text, np.uint8)
    is_quote = np.empty(min(_CHUNK, len(data)), bool)
    count = 0
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        count += int(np.count_nonzero(np.equal(chunk, _QUOTE, out=is_quote[: len(chunk)])))
    return count


def _escapes(text: bytes) -> tuple[int, bool]:
    """How many quotes are escaped, and whether a NUL is. Jumping from one escape to the next is quick if there are few."""
    quotes, at = 0, -2
    for _ in range(_MANY_ESCAPES):
        at = text.find(b"\\", at + 2)
        if at < 0:
            return quotes, False
        if text.startswith(b"\\u0000", at):
            return quotes, True
        quotes += text.startswith(b'"', at + 1)
    # In a row of backslashes the first two are one, and so on: what is left begins an escape of something else.
    rest = text.replace(b"\\\\", b"")
    return rest.count(b'\\"'), b"\\u0000" in rest


def strings_of_array(array: pa.Array) -> int:
    """Count the strings that must have stood in the JSON text of this array, keys included."""
    kind = array.type
    if pa.types.is_struct(kind):
        return _strings_of_struct(array)
    if pa.types.is_map(kind):
        return len(array.keys) + _present(array.items)
    if pa.types.is_list(kind):
        return strings_of_array(array.values) if len(array.values) else 0
    return _present(array) if pa.types.is_string(kind) else 0


def _strings_of_struct(array: pa.StructArray) -> int:
    total = 0
    for index in range(array.type.num_fields):
        child = array.field(index)
        if present := _present(child):
            total += present + strings_of_array(child)
    return total


def _present(array: pa.Array) -> int:
    return int(len(array) - array.null_count)
