"""Digests of rows that cannot be laid beside each other: 64 bits of the key and 64 of all values, whatever a row weighs.

Two different rows share a digest with a probability of 2⁻⁶⁴. A list or map that is empty has the digest of one that is
absent.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_QUOTE = '"'

Digests = npt.NDArray[np.uint64]


class Digested(NamedTuple):
    """Rows as what is kept of them.

    Attributes:
        keys: Digests of their keys.
        rows: Digests of all of their values.
    """

    keys: Digests
    rows: Digests


class RowDigests:
    """Makes digests, and opens what makes them when the first is asked for.

    Args:
        key: The columns whose values tell rows apart.
    """

    def __init__(self, *key: str) -> None:
        self._key = ", ".join(f'"{name.replace(_QUOTE, _QUOTE * 2)}"' for name in key)
        self._opened: duckdb.DuckDBPyConnection | None = None

    def keys(self, table: "pa.Table") -> Digests:
        """Digests of the keys of rows."""
        return self._asked(table, f"hash({self._key}) AS keys")["keys"]

    def of(self, table: "pa.Table") -> Digested:
        """Digests of the keys and of the whole of rows."""
        return Digested(**self._asked(table, f'hash({self._key}) AS keys, hash("row") AS rows'))

    def close(self) -> None:
        """Frees what it holds; an error that remembers it would keep its threads alive."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _asked(self, table: "pa.Table", digests: str) -> dict[str, Digests]:
        if not table.num_rows:
            return {name: np.empty(0, np.uint64) for name in Digested._fields if f"AS {name}" in digests}
        if self._opened is None:
            import duckdb

            self._opened = duckdb.connect(config={"threads": 1})
        return self._opened.from_arrow(table).set_alias("row").project(digests).fetchnumpy()
