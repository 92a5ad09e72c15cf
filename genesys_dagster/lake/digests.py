"""Digests of 64 bits: of the keys of rows, and of rows that cannot be laid beside each other.

Two different keys, or rows, share one with a probability of 2⁻⁶⁴. A list or map that is empty has the digest of one that
is absent.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import duckdb

Digests = npt.NDArray[np.int64]


def of_keys(rows: pa.Table, key: Sequence[str]) -> Digests:
    """Digests of the keys of rows; good in this process only."""
    # As text, of which Python's hash is a keyed digest (SipHash); that of a number is the number.
    columns = [pc.cast(rows[name], pa.string()).to_pylist() for name in key]
    values = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
    return np.fromiter(map(hash, values), np.int64, rows.num_rows)


class RowDigests:
    """Makes digests of whole rows, and opens what makes them when the first is asked for."""

    def __init__(self) -> None:
        self._opened: duckdb.DuckDBPyConnection | None = None

    def of(self, rows: pa.Table) -> Digests:
        """Digests of rows."""
        if not rows.num_rows:
            return np.empty(0, np.int64)
        if self._opened is None:
            import duckdb

            self._opened = duckdb.connect(config={"threads": 1})
        found = self._opened.from_arrow(rows).set_alias("row").project('hash("row") AS digest').fetchnumpy()
        return np.asarray(found["digest"]).view(np.int64)

    def close(self) -> None:
        """Frees what it holds; an error that remembers it would keep its threads alive."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
