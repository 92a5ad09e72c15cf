"""On which terms a finished version may take the place of the stored one: judged before anybody can see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.lake.changes import Changes, ChangesSince
from genesys_dagster.lake.stored import StoredVersion


@dataclass(frozen=True, slots=True)
class Span:
    """Rows that belong to an object, by an instant in them.

    Attributes:
        column: A column of timestamps.
        start: First instant.
        end: First instant after.
        without: Whether rows without an instant belong.
    """

    column: str
    start: datetime
    end: datetime
    without: bool = True

    def inside(self, rows: pa.Table) -> pa.Table:
        """The rows that belong to it."""
        if self.column not in rows.schema.names:
            return rows
        instants = rows[self.column]
        start, end = (pa.scalar(moment, instants.type) for moment in (self.start, self.end))
        within = pc.fill_null(
            pc.and_(pc.greater_equal(instants, start), pc.less(instants, end)), self.without
        )
        # Copying nested rows costs a twentieth of a whole pull, so only if needed.
        return rows if pc.all(within, min_count=0).as_py() else rows.filter(within)


@dataclass(frozen=True, slots=True)
class Finished:
    """A version that is complete and not yet visible, beside the stored one.

    Attributes:
        rows: How many rows it has.
        before: The stored version; None if there is none.
        changes: What it changes; None if there is nothing that can be read to compare it with.
    """

    rows: int
    before: StoredVersion | None
    changes: Changes | None


def _accept(_: Finished) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Terms:
    """On which terms a stream of rows takes the place of what is stored.

    Attributes:
        before: The stored version, opened before anything was asked of the rows' source; None if there was none. If
            another lies there in the end, nothing is written.
        key: The columns whose values tell rows apart.
        span: Which rows of the stored version the new one should have; None for all.
        judge: Called once, when all rows are there: raises whatever it likes if the version must not be
            committed, and returns metadata to add.
        facts: Called once after it: what is to travel with the object, as key-value metadata of the file. Facts should
            depend on the rows only, since they change the bytes.
    """

    before: StoredVersion | None
    key: tuple[str, ...]
    span: Span | None = None
    judge: Callable[[Finished], Mapping[str, Any]] = _accept
    facts: Callable[[], Mapping[str, str]] = dict


class Judgement:
    """Takes note of the rows of a new version, and judges it.

    Args:
        terms: The terms.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._rows = 0

    def see(self, rows: pa.Table) -> None:
        """Take note of rows.

        Raises:
            StorageError: The stored version cannot be read at the moment, or was replaced.
        """
        self._rows += rows.num_rows
        if self._changes is not None:
            self._changes.see(rows)

    def close(self) -> None:
        """Frees what was noted."""
        # Nothing is read for it: a write may have failed before its first rows.
        changes: ChangesSince | None = vars(self).get("_changes")
        if changes is not None:
            changes.close()

    def metadata(self) -> Mapping[str, Any]:
        """Judge the version whose rows were seen.

        Raises:
            Exception: As `Terms.judge`: it must not be committed.
            StorageError: As `see`.
        """
        changes = self._changes.result() if self._changes is not None else None
        return {**_counts(changes), **self._terms.judge(Finished(self._rows, self._terms.before, changes))}

    @cached_property
    def _changes(self) -> ChangesSince | None:
        before, span = self._terms.before, self._terms.span
        if before is None:
            return None
        return ChangesSince(
            before, self._terms.key, span.inside if span else None, span.column if span else None
        )


def _counts(changes: Changes | None) -> Mapping[str, int]:
    if changes is None:
        return {}
    counts = {
        "rows_added": changes.added,
        "rows_changed": changes.changed,
        "rows_removed": changes.removed,
    }
    return {name: count for name, count in counts.items() if count is not None}
