"""What a new version of an object changes: rows added, changed and removed against the version before.

Both are read once, side by side, while the new one is written. Where the same keys follow each other in both, the rows
are compared as they lie there; of a row that does not find its partner so, two digests are kept until the end.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from genesys_dagster.lake.differences import Flags, differing
from genesys_dagster.lake.digests import Digested, RowDigests
from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.stored import StoredVersion

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
        key: The columns whose values tell rows apart; no key may come twice in a version.
    """

    def __init__(self, previous: Iterable[pa.Table], *key: str) -> None:
        self._key = list(key)
        self._old = _Waiting(iter(previous))
        self._digests = RowDigests(*key)
        self._alone_new, self._alone_old = _Alone(), _Alone()
        self._added = self._changed = self._removed = self._kept = 0

    def see(self, rows: pa.Table) -> None:
        """Take note of new rows."""
        before = self._old.next(rows.num_rows)
        if not before.num_rows and not self._alone_old.rows:
            self._added += rows.num_rows
        elif before.num_rows and before.select(self._key).equals(rows.select(self._key)):
            self._old.drop(rows.num_rows)
            self._compare(before, rows)
        else:
            self._pair(rows)

    def result(self) -> Changes:
        """What all rows seen change."""
        for rows in self._old.rest():
            if self._alone_new.rows:
                self._alone_old.add(self._digests.of(rows))
            else:
                self._removed += rows.num_rows
        old, new = self._alone_old.all(), self._alone_new.all()
        _, at_old, at_new = np.intersect1d(old.keys, new.keys, return_indices=True)
        both = len(at_old)
        changed = int(np.count_nonzero(old.rows[at_old] != new.rows[at_new]))
        return Changes(
            added=self._added + len(new.keys) - both,
            changed=self._changed + changed,
            removed=self._removed + len(old.keys) - both,
            kept=self._kept + both,
        )

    def close(self) -> None:
        """Frees what it holds."""
        self._digests.close()
        self._old.close()

    def _pair(self, rows: pa.Table) -> None:
        """Compares rows with those near the place of which they are expected to be, in whatever order."""
        before = self._old.next(rows.num_rows + _AHEAD)
        if not before.num_rows:
            self._alone_new.add(self._digests.of(rows))
            return
        _, at_old, at_new = np.intersect1d(
            self._digests.keys(before), self._digests.keys(rows), return_indices=True
        )
        passed = int(at_old.max()) + 1 if len(at_old) else 0
        self._old.drop(passed)
        self._compare(before.take(at_old), rows.take(at_new))
        self._alone_old.add(self._digests.of(_without(before.slice(0, passed), at_old)))
        self._alone_new.add(self._digests.of(_without(rows, at_new)))

    def _compare(self, before: pa.Table, rows: pa.Table) -> None:
        self._kept += rows.num_rows
        self._changed += int(np.count_nonzero(self._differing(before, rows)))

    def _differing(self, before: pa.Table, rows: pa.Table) -> Flags:
        try:
            return differing(before, rows)
        except pa.ArrowNotImplementedError:  # of rare types
            return np.asarray(self._digests.of(before).rows != self._digests.of(rows).rows)


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


@dataclass
class _Alone:
    """What is kept of rows without a partner: 16 bytes each."""

    parts: list[Digested] = field(default_factory=list)
    rows: int = 0

    def add(self, part: Digested) -> None:
        if len(part.keys):
            self.parts.append(part)
            self.rows += len(part.keys)

    def all(self) -> Digested:
        nothing = np.empty(0, np.uint64)
        return Digested(
            np.concatenate([nothing, *(part.keys for part in self.parts)]),
            np.concatenate([nothing, *(part.rows for part in self.parts)]),
        )


def _without(table: pa.Table, places: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> pa.Table:
    is_left = np.ones(table.num_rows, bool)
    is_left[places] = False
    return table.filter(pa.array(is_left))


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
