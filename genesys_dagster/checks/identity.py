"""Themes of identity and place: each conversation once, in the partition where it belongs."""

from __future__ import annotations

from typing import ClassVar

from genesys_dagster.checks.finding import Finding
from genesys_dagster.checks.leaves import Rows
from genesys_dagster.checks.themes import CONVERSATIONS, Day, Records, ThemeCheck
from genesys_dagster.lazy import np, pa, pc

_SHOWN = 10


class UniqueIds:
    """No conversation stands in the partition twice."""

    leaves: ClassVar = frozenset({"conversationId"})

    def __init__(self, _: Day) -> None:
        from genesys_dagster.records.identities import IdentitySet

        self._seen = IdentitySet()
        self._rows = 0
        self._repeated: list[str] = []

    def see(self, rows: Rows) -> None:
        """Compare with all ids so far."""
        ids = rows["conversationId"]
        is_new = self._seen.add(ids)
        self._rows += len(ids)
        if len(self._repeated) < _SHOWN:
            self._repeated += ids.filter(pa.array(~is_new)).to_pylist()

    def finding(self) -> Finding:
        """Say how many ids come again."""
        repeats = self._rows - len(self._seen)
        return Finding(
            passed=not repeats,
            summary=f"{repeats:,} of {self._rows:,} rows repeat a conversationId."
            if repeats
            else f"All {self._rows:,} conversationIds are different.",
            figures={"rows": self._rows, "repeated_ids": ", ".join(self._repeated[:_SHOWN]) or "none"},
        )


class Window:
    """Every record began within the partition's day."""

    def __init__(self, day: Day, of: Records = CONVERSATIONS) -> None:
        self._day, self._of = day, of
        self._outside = 0
        self._without = 0
        self._examples: list[str] = []

    def see(self, rows: Rows) -> None:
        """Compare the starts with the day."""
        starts = rows[self._of.start]
        start, end = (pa.scalar(moment, starts.type) for moment in (self._day.start, self._day.end))
        inside = pc.and_(pc.greater_equal(starts, start), pc.less(starts, end))
        is_outside = ~np.asarray(pc.fill_null(inside, True), bool)
        self._without += starts.null_count
        self._outside += int(np.count_nonzero(is_outside))
        if len(self._examples) < _SHOWN:
            self._examples += rows[self._of.key].filter(pa.array(is_outside)).to_pylist()

    def finding(self) -> Finding:
        """Say how many began at another time."""
        span = f"{self._day.start.isoformat()} to {self._day.end.isoformat()}"
        return Finding(
            passed=not self._outside,
            summary=f"{self._outside:,} {self._of.noun} did not begin within {span}."
            if self._outside
            else f"All {self._of.noun} began within {span}.",
            figures={
                "outside": self._outside,
                # Genesys sent them in answer to this day, and they say nothing else.
                "without_start": self._without,
                "outside_ids": ", ".join(self._examples[:_SHOWN]) or "none",
            },
        )


IDENTITY = (
    ThemeCheck(
        "unique_ids",
        "Each `conversationId` stands in the partition once. Counts and sums downstream would be too high otherwise.",
        UniqueIds,
        UniqueIds.leaves,
        blocking=True,
    ),
    ThemeCheck(
        "window",
        "Each conversation began on the partition's day in the configured time zone. Otherwise it would be missing on "
        "its own day, or count twice.",
        Window,
        frozenset({CONVERSATIONS.key, CONVERSATIONS.start}),
        blocking=True,
    ),
)
