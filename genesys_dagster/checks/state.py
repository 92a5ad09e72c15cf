"""Themes about how far the records are: what is still open, and what the schema does not know yet."""

import json
import re
from collections import Counter
from typing import ClassVar

import dagster as dg
import pyarrow as pa

from genesys_dagster.checks.finding import WARN, Finding
from genesys_dagster.checks.themes import Day, ThemeCheck

_POSITION = re.compile(r"\[\d+\]")
_SHOWN = 50


class OpenConversations:
    """How many conversations have not ended; never a fault."""

    leaves: ClassVar = frozenset({"conversationEnd"})

    def __init__(self, _: Day) -> None:
        self._rows = self._open = 0

    def see(self, rows: pa.RecordBatch) -> None:
        """Count those without end."""
        self._rows += len(rows)
        self._open += rows["conversationEnd"].null_count

    def finding(self) -> Finding:
        """Say how many they are."""
        share = self._open / self._rows if self._rows else 0.0
        return Finding(
            passed=True,
            severity=WARN,
            summary=f"{self._open:,} of {self._rows:,} conversations are still open and will change."
            if self._open
            else "No conversation is open.",
            figures={"open_conversations": self._open, "open_share": dg.MetadataValue.float(share)},
        )


class UnknownFields:
    """Genesys sent nothing that the schema cannot hold."""

    leaves: ClassVar = frozenset({"unknownFields"})

    def __init__(self, _: Day) -> None:
        self._paths: Counter[str] = Counter()
        self._records = 0

    def see(self, rows: pa.RecordBatch) -> None:
        """Count the paths of values kept aside."""
        for text in rows["unknownFields"].drop_null().to_pylist():
            self._records += 1
            self._paths.update(_POSITION.sub("[]", path) for path in json.loads(text))

    def finding(self) -> Finding:
        """Name the fields."""
        if not self._paths:
            return Finding(passed=True, severity=WARN, summary="Every value fits the schema.")
        return Finding(
            passed=False,
            severity=WARN,
            summary=f"{self._records:,} conversations have {len(self._paths):,} fields that the schema does not hold; their "
            "values are kept in unknownFields. A newer version of this package may know them.",
            figures={"unknown_fields": dg.MetadataValue.json(dict(self._paths.most_common(_SHOWN)))},
        )


STATE = (
    ThemeCheck(
        "open_conversations",
        "How many conversations had not ended when the partition was pulled. Informs, never fails: pulling the partition "
        "again brings them up to date.",
        OpenConversations,
        OpenConversations.leaves,
    ),
    ThemeCheck(
        "unknown_fields",
        "Warns when Genesys Cloud sends fields, or types of values, that the schema does not hold. Nothing is lost: they "
        "stand in `unknownFields`.",
        UnknownFields,
        UnknownFields.leaves,
    ),
)
