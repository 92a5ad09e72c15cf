"""Themes of reference: ids in conversations have a name in the reference data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import dagster as dg

from genesys_dagster.checks.finding import WARN, Finding, not_compared
from genesys_dagster.checks.leaves import Rows
from genesys_dagster.checks.themes import Day, ThemeCheck
from genesys_dagster.lazy import pa, pc

_SHOWN = 50


class Names:
    """Every id stands in a reference asset.

    Args:
        day: The partition.
        asset: Which asset.
        ids: Takes the ids out of rows.
    """

    def __init__(self, day: Day, asset: str, ids: Callable[[Rows], pa.Array]) -> None:
        self._day, self._asset, self._ids = day, asset, ids
        self._found: Counter[str] = Counter()

    def see(self, rows: Rows) -> None:
        """Count how often each id stands there."""
        for entry in pc.value_counts(self._ids(rows).drop_null()).to_pylist():
            self._found[entry["values"]] += entry["counts"]

    def finding(self) -> Finding:
        """Name the ids without a name."""
        known, what = self._day.known(self._asset), self._asset.replace("_", " ")
        if known is None:  # nothing is wrong: on the first days there is none
            return Finding(
                passed=True, summary=f"No snapshot yet: materialize the asset {self._asset} to have names."
            )
        if not known:
            return not_compared(f"the asset {self._asset} is empty or cannot be read; materialize it.")
        nameless = {each: count for each, count in self._found.most_common() if each not in known}
        return Finding(
            passed=not nameless,
            severity=WARN,
            summary=f"{len(nameless):,} of {len(self._found):,} {what} have no name in the asset {self._asset}: deleted, in a "
            "division that the OAuth client does not see, or newer than the snapshot."
            if nameless
            else f"All {len(self._found):,} {what} have a name.",
            figures={
                self._asset: len(self._found),
                "without_name": dg.MetadataValue.json(dict(list(nameless.items())[:_SHOWN])),
            },
        )


def _queues(rows: Rows) -> pa.Array:
    return rows.level("participants", "sessions", "segments").get("queueId")


REFERENCES = (
    ThemeCheck(
        "queue_names",
        "Every `queueId` of a segment has a name in the latest snapshot of `queues`.",
        lambda day: Names(day, "queues", _queues),
        frozenset({"participants.sessions.segments.queueId"}),
        names=True,
    ),
)
