"""Frames gathered to whole row groups, the same groups however the rows were cut into frames.

A row group ends at a number of rows or of bytes, whichever comes first. Bytes are counted from the
values alone (not from buffers, which depend on how the rows arrived).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.lake.coded import alike, bits_of_texts, is_coded, most_bytes_of_texts
from genesys_dagster.lake.nested import is_plain_list, referred


@dataclass
class _Piece:
    """Rows that wait, and what is known of their size."""

    table: pa.Table
    rough: int
    exact: int | None = None

    def bits(self) -> int:
        if self.exact is None:
            self.exact = value_bits(self.table)
        return self.exact


def _piece(table: pa.Table) -> _Piece:
    sizes = (
        sum(map(most_bytes_of_texts, column.chunks)) if is_coded(column.type, pa.string()) else column.nbytes
        for column in table.columns
    )
    return _Piece(table, sum(sizes))


class RowGroups:
    """Rows in, whole row groups out."""

    def __init__(self, schema: pa.Schema, max_rows: int, max_bytes: int) -> None:
        self._schema = schema
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._pieces: deque[_Piece] = deque()
        self._rows = 0
        self._rough = 0

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Takes rows and yields the row groups that are full now, each in chunks as they came."""
        # Pieces no longer than a row group: a longer one would be measured again and again.
        for start in range(0, table.num_rows, self._max_rows):
            part = table.slice(start, self._max_rows)
            self._push(_piece(part))
            while (rows := self._full()) is not None:
                yield self._take(rows)

    def rest(self) -> Iterator[pa.Table]:
        """Yields the last row group, if rows are left."""
        if self._rows:
            yield self._take(self._rows)

    def _push(self, piece: _Piece, *, front: bool = False) -> None:
        if front:
            self._pieces.appendleft(piece)
        else:
            self._pieces.append(piece)
        self._rows += piece.table.num_rows
        self._rough += piece.rough

    def _full(self) -> int | None:
        """Returns how many of the waiting rows make a row group, or None if more may follow."""
        # Buffers hold at least the values, as many of the longest text at least the texts: while they fit, nothing needs to be counted.
        if self._rough > self._max_bytes and (rows := self._rows_within_bytes()) is not None:
            return rows
        return self._max_rows if self._rows >= self._max_rows else None

    def _rows_within_bytes(self) -> int | None:
        """Returns the longest run of rows within the bytes (at least one row), or None if all fit."""
        room = self._max_bytes * 8
        before = 0
        for piece in self._pieces:
            if piece.bits() > room:
                rows = before + _fitting(piece.table, room)
                return min(max(rows, 1), self._max_rows)
            room -= piece.bits()
            before += piece.table.num_rows
        return None

    def _take(self, rows: int) -> pa.Table:
        """Removes the first rows."""
        taken = []
        while rows:
            piece = self._pieces.popleft()
            length = piece.table.num_rows
            self._rows -= length
            self._rough -= piece.rough
            if length > rows:
                tail = piece.table.slice(rows)
                self._push(_piece(tail), front=True)
                piece = _Piece(piece.table.slice(0, rows), 0)
            taken.append(piece.table)
            rows -= piece.table.num_rows
        return pa.concat_tables(alike(taken))


def _fitting(table: pa.Table, bits: int) -> int:
    """Returns how many of the first rows have no more than this many bits of values."""
    low, high = 0, table.num_rows
    while low < high:
        middle = (low + high + 1) // 2
        if value_bits(table.slice(0, middle)) <= bits:
            low = middle
        else:
            high = middle - 1
    return low


def value_bits(table: pa.Table) -> int:
    """Returns the size of a table's values in bits: the same for the same rows, and additive."""
    chunks = [chunk for column in table.columns for chunk in column.chunks]
    return sum(
        bits_of_texts(chunk) if is_coded(chunk.type, pa.string()) else _bits(chunk) for chunk in chunks
    )


def _bits(array: pa.Array) -> int:
    """Returns the size of one array's values in bits, without validity and offsets."""
    kind = array.type
    if pa.types.is_struct(kind):
        return sum(_bits(array.field(index)) for index in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _bits(referred(array, array.keys)) + _bits(referred(array, array.items))
    if is_plain_list(kind):
        return _bits(referred(array, array.values))
    if pa.types.is_fixed_size_list(kind):
        return _bits(array.flatten())
    if _has_own_length(kind):
        return 8 * int(pc.sum(pc.binary_length(array)).as_py() or 0)
    return len(array) * _bit_width(kind)


def _has_own_length(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_string(kind)
        or types.is_large_binary(kind)
        or types.is_large_string(kind)
    )


def _bit_width(kind: pa.DataType) -> int:
    """Returns the width of a fixed-width type, and 0 for the types that have none (null, views)."""
    if pa.types.is_dictionary(kind):
        kind = kind.index_type
    try:
        return int(kind.bit_width)
    except ValueError:
        return 0
