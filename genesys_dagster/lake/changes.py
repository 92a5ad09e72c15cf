"""What a new version of an object changes: rows added, changed and removed against the version before.

Of each row two numbers are kept, a digest of its key and one of all its values: 16 bytes per row, whatever the rows
weigh. The version before is read a few rows at a time.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.stored import StoredVersion

logger = logging.getLogger(__name__)
QUOTE = '"'

Digests = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of the new version compared with the version before.

    Attributes:
        added: Keys that are new.
        changed: Keys that both have, with other values; None if the versions' columns differ.
        removed: Keys that only the version before has.
        kept: Keys that both have.
    """

    added: int
    changed: int | None
    removed: int
    kept: int


class RowDigests:
    """Digests of the rows of one version.

    Two different rows share a digest with a probability of 2⁻⁶⁴. A list or map that is empty has the digest of one
    that is absent.

    Args:
        key: The columns whose values tell rows apart.
    """

    def __init__(self, *key: str) -> None:
        import duckdb

        self.key = key
        self._connection = duckdb.connect(config={"threads": 1})
        self._parts: list[tuple[Digests, Digests]] = []

    def add(self, table: pa.Table) -> None:
        """Takes note of rows; no key may come twice."""
        if table.num_rows:
            self._parts.append(self._digests(table))

    def compare(self, previous: Iterable[pa.Table], *, whole_rows: bool = True) -> Changes:
        """Compares the rows taken note of with those of the version before.

        Args:
            previous: Its rows, in tables of the same schema; the key alone is enough if `whole_rows` is False.
            whole_rows: Whether to tell rows that changed from those that did not.
        """
        keys, rows = self._sorted()
        kept = unchanged = removed = 0
        for table in previous:
            old_keys, old_rows = self._digests(table)
            places = np.searchsorted(keys, old_keys)
            inside = places < len(keys)
            known = inside.copy()
            known[inside] = keys[places[inside]] == old_keys[inside]
            kept += int(known.sum())
            removed += int((~known).sum())
            unchanged += int((rows[places[known]] == old_rows[known]).sum())
        return Changes(len(keys) - kept, kept - unchanged if whole_rows else None, removed, kept)

    def close(self) -> None:
        """Frees what it holds; an error that remembers it would keep its threads alive."""
        self._connection.close()
        self._parts.clear()

    def _digests(self, table: pa.Table) -> tuple[Digests, Digests]:
        key = ", ".join(f'"{name.replace(QUOTE, QUOTE * 2)}"' for name in self.key)
        columns = self._connection.from_arrow(table).set_alias("row")
        digests = columns.project(f'hash({key}) AS of_key, hash("row") AS of_row').fetchnumpy()
        return digests["of_key"], digests["of_row"]

    def _sorted(self) -> tuple[Digests, Digests]:
        if not self._parts:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        keys = np.concatenate([part for part, _ in self._parts])
        order = np.argsort(keys)
        return keys[order], np.concatenate([part for _, part in self._parts])[order]


def changes_since(
    before: StoredVersion,
    digests: RowDigests,
    counted: Callable[[pa.Table], pa.Table] | None = None,
    counted_by: str | None = None,
) -> Changes | None:
    """What rows change against a stored version.

    Args:
        before: The stored version.
        digests: The new rows.
        counted: Chooses those of its rows that count.
        counted_by: The column that `counted` looks at.

    Returns:
        The changes; None if it is no Parquet with that key, so that there is nothing to compare with.

    Raises:
        StorageError: It cannot be read at the moment, or was replaced.
    """
    choose = counted or (lambda rows: rows)
    whole_rows = before.has_schema()
    tables = before.tables() if whole_rows else before.columns(digests.key, counted_by)
    try:
        return digests.compare((choose(rows) for rows in tables if rows.num_rows), whole_rows=whole_rows)
    except (pa.ArrowException, ReadError, OSError, ValueError) as error:
        logger.warning("What changed in %s is not counted: %s", before.uri, error)
        return None
