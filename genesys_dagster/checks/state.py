"""Themes about how far the records are: what is still open, and what the schema does not know yet."""

from __future__ import annotations

import json
from collections import Counter

import dagster as dg

from genesys_dagster.checks.finding import WARN, Finding
from genesys_dagster.checks.leaves import Rows
from genesys_dagster.checks.themes import CONVERSATIONS, Day, Records, ThemeCheck
from genesys_dagster.records.asides import without_positions

_SHOWN = 50


class OpenRecords:
    """How many records have not ended; never a fault."""

    def __init__(self, _: Day, of: Records = CONVERSATIONS) -> None:
        self._of = of
        self._rows = self._open = 0

    def see(self, rows: Rows) -> None:
        """Count those without end."""
        self._rows += len(rows)
        self._open += rows[self._of.end].null_count

    def finding(self) -> Finding:
        """Say how many they are."""
        share = self._open / self._rows if self._rows else 0.0
        return Finding(
            passed=True,
            severity=WARN,
            summary=f"{self._open:,} of {self._rows:,} {self._of.noun} are still open and will change."
            if self._open
            else f"None of the {self._rows:,} {self._of.noun} is open.",
            figures={f"open_{self._of.noun}": self._open, "open_share": dg.MetadataValue.float(share)},
        )


class UnknownFields:
    """Genesys sent nothing that the schema cannot hold."""

    def __init__(self, _: Day, of: Records = CONVERSATIONS) -> None:
        self._of = of
        self._paths: Counter[str] = Counter()
        self._records = 0

    def see(self, rows: Rows) -> None:
        """Count the paths of values kept aside."""
        for text in rows[self._of.unknown_fields].drop_null().to_pylist():
            self._records += 1
            self._paths.update(map(without_positions, json.loads(text)))

    def finding(self) -> Finding:
        """Name the fields."""
        if not self._paths:
            return Finding(passed=True, severity=WARN, summary="Every value fits the schema.")
        return Finding(
            passed=False,
            severity=WARN,
            summary=f"{self._records:,} {self._of.noun} have {len(self._paths):,} fields that the schema does not hold; their "
            f"values are kept in {self._of.unknown_fields}. A newer version of this package may know them.",
            figures={"unknown_fields": dg.MetadataValue.json(dict(self._paths.most_common(_SHOWN)))},
        )


STATE = (
    ThemeCheck(
        "open_conversations",
        "How many conversations had not ended when the partition was pulled. Informs, never fails: pulling the partition "
        "again brings them up to date.",
        OpenRecords,
        frozenset({CONVERSATIONS.end}),
    ),
    ThemeCheck(
        "unknown_fields",
        "Warns when Genesys Cloud sends fields, or types of values, that the schema does not hold. Nothing is lost: they "
        "stand in `unknownFields`.",
        UnknownFields,
        frozenset({CONVERSATIONS.unknown_fields}),
    ),
)
