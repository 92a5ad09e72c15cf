"""What a new version of an object changes: rows added, changed and removed against the version before.

Both are read once, side by side, while the new one is written. Where the same keys follow each other in both, the rows
are compared as they lie there. Kept until the end are a digest of each key, and one of each row that has not found its
partner so.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genesys_dagster.lake.differences import Flags, differing
from genesys_dagster.lake.digests import Digests, RowDigests, of_keys
from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.stored import ROWS_AT_ONCE, StoredVersion

_NONE = np.empty(0, np.int64)

logger = logging.getLogger(__name__)

# How many rows further a row is looked for when it is not where it was: rows come and go one by one, not by thousands.
_AHEAD = 1_024


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


class Comparison:
    """Compares the rows of a new version, as they come, with those of the version before.

    Args:
        previous: The rows before, in tables of the same schema as the new ones, a few at a time.
        key: The columns whose values tell rows apart; no key should come twice in a version.
    """

    def __init__(self, previous: Iterable[pa.Table], *key: str) -> None:
        self._key = list(key)
        self._old = _Waiting(iter(previous))
        self._digests = RowDigests()
        self._keys: list[Digests] = []
        self._alone_new, self._alone_old = _Alone(), _Alone()
        self._changed = self._kept = 0

    def see(self, rows: pa.Table) -> None:
        """Take note of new rows."""
        # In pieces, so that as few of the rows before are in memory.
        for start in range(0, rows.num_rows, ROWS_AT_ONCE):
            self._see(rows.slice(start, ROWS_AT_ONCE))

    def result(self) -> Changes:
        """What all rows seen change."""
        is_asked = bool(self._alone_new.keys)
        for rows in self._old.rest():
            their_keys = of_keys(rows, self._key)
            self._alone_old.add(their_keys, self._digests.of(rows) if is_asked else their_keys)
        keys = np.concatenate([_NONE, *self._keys])
        old, new = self._alone_old.all(), self._alone_new.all()
        known = np.isin(old.keys, keys)
        kept = self._kept + int(np.count_nonzero(known))
        places = np.searchsorted(new.keys, old.keys)
        inside = places < len(new.keys)
        both = inside.copy()
        both[inside] = new.keys[places[inside]] == old.keys[inside]
        changed = int(np.count_nonzero(new.rows[places[both]] != old.rows[both]))
        return Changes(
            added=len(keys) - self._kept - int(np.count_nonzero(np.isin(new.keys, old.keys))),
            changed=self._changed + changed,
            removed=len(known) - int(np.count_nonzero(known)),
            kept=kept,
        )

    def close(self) -> None:
        """Frees what it holds."""
        self._digests.close()
        self._old.close()

    def _see(self, rows: pa.Table) -> None:
        keys = of_keys(rows, self._key)
        self._keys.append(keys)
        before = self._old.next(rows.num_rows)
        if before.num_rows and before.select(self._key).equals(rows.select(self._key)):
            self._old.drop(rows.num_rows)
            self._compare(before, rows)
        else:
            self._pair(rows, keys)

    def _pair(self, rows: pa.Table, keys: Digests) -> None:
        """Compares rows with those near the place at which they are expected, in whatever order."""
        before = self._old.next(rows.num_rows + _AHEAD)
        if not before.num_rows and not self._alone_old.keys:
            return  # nothing is left that they could be compared with
        before_keys = of_keys(before, self._key) if before.num_rows else _NONE
        _, at_old, at_new = np.intersect1d(before_keys, keys, return_indices=True)
        passed = 0
        if len(at_old):
            self._compare(before.take(at_old), rows.take(at_new))
            passed = int(at_old.max()) + 1
        left_old, left_new = _others(passed, at_old), _others(len(keys), at_new)
        self._alone_old.add(before_keys[left_old], self._digests.of(before.take(left_old)))
        self._alone_new.add(keys[left_new], self._digests.of(rows.take(left_new)))
        self._old.drop(passed)

    def _compare(self, before: pa.Table, rows: pa.Table) -> None:
        self._kept += rows.num_rows
        self._changed += int(np.count_nonzero(self._differing(before, rows)))

    def _differing(self, before: pa.Table, rows: pa.Table) -> Flags:
        try:
            return differing(before, rows)
        except pa.ArrowNotImplementedError:  # of rare types
            return np.asarray(self._digests.of(before) != self._digests.of(rows))


class _Waiting:
    """Rows that are read when they are needed, in their order."""

    def __init__(self, tables: Iterator[pa.Table]) -> None:
        self._tables = tables
        self._here: pa.Table | None = None

    def next(self, count: int) -> pa.Table:
        """The next rows, fewer only at the end; they stay."""
        while self._here is None or self._here.num_rows < count:
            table = next(self._tables, None)
            if table is None:
                break
            self._here = pa.concat_tables([self._here, table]) if self._here is not None else table
        return pa.table({}) if self._here is None else self._here.slice(0, count)

    def drop(self, count: int) -> None:
        """Leaves the next rows behind."""
        if self._here is not None:
            self._here = self._here.slice(count)

    def rest(self) -> Iterator[pa.Table]:
        """All rows that were not left behind."""
        if self._here is not None:
            yield self._here
            self._here = None
        yield from self._tables

    def close(self) -> None:
        """Lets go of the rows and of what they are read from."""
        self._here = None
        close = getattr(self._tables, "close", None)
        if close:
            close()


class _Rows(NamedTuple):
    keys: Digests
    rows: Digests


@dataclass
class _Alone:
    """What is kept of rows without a partner: two digests each."""

    keys: list[Digests] = field(default_factory=list)
    rows: list[Digests] = field(default_factory=list)

    def add(self, keys: Digests, rows: Digests) -> None:
        """Keep those of some rows."""
        if len(keys):
            self.keys.append(keys)
            self.rows.append(rows)

    def all(self) -> _Rows:
        """Sorted by the key."""
        keys, rows = np.concatenate([_NONE, *self.keys]), np.concatenate([_NONE, *self.rows])
        order = np.argsort(keys)
        return _Rows(keys[order], rows[order])


def _others(count: int, places: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> npt.NDArray[np.intp]:
    is_other = np.ones(count, bool)
    is_other[places] = False
    return np.flatnonzero(is_other)


class ChangesSince:
    """What rows change against a stored version, as far as it can be read.

    Args:
        before: The stored version.
        key: The columns whose values tell rows apart.
        counted: Chooses those of its rows that count.
        counted_by: The column that `counted` looks at.
    """

    def __init__(
        self,
        before: StoredVersion,
        key: tuple[str, ...],
        counted: Callable[[pa.Table], pa.Table] | None = None,
        counted_by: str | None = None,
    ) -> None:
        self._before = before
        self._key = key
        self._whole_rows = before.has_schema()
        choose = counted or (lambda rows: rows)
        tables = before.tables() if self._whole_rows else before.columns(key, counted_by)
        chosen = (self._compared(choose(rows)) for rows in tables if rows.num_rows)
        self._comparison: Comparison | None = Comparison(chosen, *key)

    def see(self, rows: pa.Table) -> None:
        """Take note of new rows.

        Raises:
            StorageError: The stored version cannot be read at the moment, or was replaced.
        """
        self._as_far_as_possible(lambda comparison: comparison.see(self._compared(rows)))

    def result(self) -> Changes | None:
        """The changes; None if it is no Parquet with that key, so that there is nothing to compare with.

        Raises:
            StorageError: As `see`.
        """
        found: list[Changes] = []
        self._as_far_as_possible(lambda comparison: found.append(comparison.result()))
        if not found or self._whole_rows:
            return found[0] if found else None
        return Changes(found[0].added, None, found[0].removed, found[0].kept)

    def close(self) -> None:
        """Frees what was noted."""
        if self._comparison is not None:
            self._comparison.close()
            self._comparison = None

    def _compared(self, rows: pa.Table) -> pa.Table:
        """The key alone tells what is gone if the columns differ."""
        return rows if self._whole_rows else rows.select(list(self._key))

    def _as_far_as_possible(self, do: Callable[[Comparison], None]) -> None:
        if self._comparison is None:
            return
        try:
            do(self._comparison)
        except (pa.ArrowException, ReadError, OSError, ValueError) as error:
            logger.warning("What changed in %s is not counted: %s", self._before.uri, error)
            self.close()
