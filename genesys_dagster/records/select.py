"""Which rows of the API's answers belong to a partition: the window, and each conversation once."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.records.identities import IdentitySet


@dataclass(slots=True)
class Selection:
    """Keeps the rows of one partition, in the order they come, and counts the others.

    Genesys answers with conversations around the interval that was asked for (a query selects by the UTC day of the
    start and by activity; Genesys developer docs, "Conversation detail query"), and with the same conversation twice
    when rows shift between pages (Genesys blog, 2022-04-21, "Analytics conversations API behavior").
    """

    start: datetime
    """First instant of the window."""
    end: datetime
    """First instant after the window."""
    rows: int = 0
    duplicates_dropped: int = 0
    outside_window_dropped: int = 0
    open_conversations: int = 0
    """Rows kept that have no `conversationEnd` yet."""
    latest_end: datetime | None = None
    """The latest `conversationEnd` of the rows kept."""
    _seen: IdentitySet = field(default_factory=IdentitySet)
    _seen_outside: IdentitySet = field(default_factory=IdentitySet)

    @property
    def received(self) -> int:
        """How many different conversations came, those outside the window included."""
        return len(self._seen) + len(self._seen_outside)

    def keep(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows that start inside the window and whose conversation was not kept before.

        The first row of a conversation wins. A row without a readable start cannot be placed and is kept: it was
        sent in answer to this window.
        """
        is_inside = np.asarray(self.is_inside(rows["conversationStart"]), bool)
        is_kept = is_inside.copy()
        is_kept[is_inside] = self._seen.add(rows["conversationId"].filter(pa.array(is_inside)))
        kept = (
            rows if is_kept.all() else rows.filter(pa.array(is_kept))
        )  # copying nested rows costs, so only if needed
        if not is_inside.all():
            self.outside_window_dropped += int(np.count_nonzero(~is_inside))
            self._seen_outside.add(rows["conversationId"].filter(pa.array(~is_inside)))
        self.duplicates_dropped += int(np.count_nonzero(is_inside & ~is_kept))
        self.rows += len(kept)
        self._note_ends(kept["conversationEnd"])
        return kept

    def _note_ends(self, ends: pa.Array) -> None:
        self.open_conversations += ends.null_count
        latest = pc.max(ends).as_py()
        if latest is not None:
            self.latest_end = max(latest, self.latest_end or latest)

    def is_inside(self, starts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """Tell of each start whether it lies in the window; one that cannot be read counts as inside."""
        start, end = (pa.scalar(moment, starts.type) for moment in (self.start, self.end))
        within = pc.and_(pc.greater_equal(starts, start), pc.less(starts, end))
        return pc.fill_null(within, True)
