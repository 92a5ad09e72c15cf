"""Themes of reference: ids in conversations have a name in the reference data."""

from collections import Counter
from typing import ClassVar

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.checks.finding import WARN, Finding, not_compared
from genesys_dagster.checks.leaves import Level
from genesys_dagster.checks.themes import Day, ThemeCheck

_SHOWN = 50


class QueueNames:
    """Every queue in the conversations stands in `queues`."""

    leaves: ClassVar = frozenset({"participants.sessions.segments.queueId"})

    def __init__(self, day: Day) -> None:
        self._day = day
        self._segments: Counter[str] = Counter()

    def see(self, rows: pa.RecordBatch) -> None:
        """Count the segments of each queue."""
        queues = Level.of(rows, "participants").below("sessions").below("segments").get("queueId")
        for entry in pc.value_counts(queues.drop_null()).to_pylist():
            self._segments[entry["values"]] += entry["counts"]

    def finding(self) -> Finding:
        """Name the queues without a name."""
        known = self._day.known_queues()
        if known is None:  # nothing is wrong: on the first days there is none
            return Finding(
                passed=True, summary="No snapshot yet: materialize the asset queues to have names."
            )
        if not known:
            return not_compared("the asset queues is empty or cannot be read; materialize it.")
        nameless = {queue: count for queue, count in self._segments.most_common() if queue not in known}
        return Finding(
            passed=not nameless,
            severity=WARN,
            summary=f"{len(nameless):,} of {len(self._segments):,} queues have no name in the asset queues: deleted, in a "
            "division that the OAuth client does not see, or newer than the snapshot."
            if nameless
            else f"All {len(self._segments):,} queues have a name.",
            figures={
                "queues": len(self._segments),
                "without_name": dg.MetadataValue.json(dict(list(nameless.items())[:_SHOWN])),
            },
        )


REFERENCES = (
    ThemeCheck(
        "queue_names",
        "Every `queueId` of a segment has a name in the latest snapshot of `queues`.",
        QueueNames,
        QueueNames.leaves,
    ),
)
