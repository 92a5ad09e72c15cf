"""The sums of a partition's metrics by queue and media type, in the way in which Genesys Cloud counts them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.checks.leaves import Indices, Level

_SESSIONS = "participants.sessions"
_COLUMNS = ["queueId", "mediaType", "metric"]
# Milliseconds since the epoch fit into 42 bits until the year 2109; the rest of 63 bits numbers a batch's sessions.
_TIME_BITS = 42


class Cell(NamedTuple):
    """What is compared: one metric in one queue and medium; None where a session has no queue."""

    queue: str | None
    media: str | None
    metric: str


@dataclass(frozen=True, slots=True)
class Total:
    """Number of emissions, and sum of their values."""

    count: int
    total: float


class MetricTotals:
    """Adds up the metrics that were emitted within an interval.

    A metric counts when it is emitted, not when its conversation began (Genesys developer forum, thread 18235), in the
    queue of its session at that moment: that of the latest segment with a queue, of the first one if none had begun.
    At the very instant of a change, what ends (t…, same thread) is in the queue left: inferred.

    Args:
        start: First instant of the interval.
        end: First instant after it.
    """

    leaves: ClassVar = frozenset(
        {
            f"{_SESSIONS}.{leaf}"
            for leaf in (
                "mediaType", "metrics.name", "metrics.value", "metrics.emitDate", "segments.queueId",
                "segments.segmentStart",
            )
        }
    )  # fmt: skip

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._sums = _empty()

    def see(self, rows: pa.RecordBatch) -> None:
        """Add the metrics of some rows."""
        sessions = Level.of(rows, "participants").below("sessions")
        metrics, segments = sessions.below("metrics"), sessions.below("segments")
        emitted, values = metrics.get("emitDate"), metrics.get("value")
        start, end = (pa.scalar(moment, emitted.type) for moment in (self._start, self._end))
        within = pc.and_(pc.greater_equal(emitted, start), pc.less(emitted, end))
        counts = pc.fill_null(pc.and_(within, pc.is_valid(values)), False)
        table = pa.table(
            {
                "queueId": _queues_of(metrics, segments),
                "mediaType": sessions.get("mediaType").take(pa.array(metrics.parents)),
                "metric": metrics.get("name"),
                "count": pa.array(np.ones(len(metrics), np.int64)),
                "total": values,
            }
        ).filter(counts)
        self._sums = _added(pa.concat_tables([self._sums, table]))

    def result(self) -> Mapping[Cell, Total]:
        """The sums of all rows seen."""
        return {
            Cell(row["queueId"], row["mediaType"], row["metric"]): Total(row["count"], row["total"])
            for row in self._sums.to_pylist()
            if row["metric"] is not None
        }


def _empty() -> pa.Table:
    text = [pa.field(name, pa.string()) for name in _COLUMNS]
    return pa.schema([*text, ("count", pa.int64()), ("total", pa.float64())]).empty_table()


def _added(table: pa.Table) -> pa.Table:
    sums = table.group_by(_COLUMNS).aggregate([("count", "sum"), ("total", "sum")])
    return sums.rename_columns({"count_sum": "count", "total_sum": "total"}).select(
        [*_COLUMNS, "count", "total"]
    )


def _queues_of(metrics: Level, segments: Level) -> pa.Array:
    """For each metric, the queue of its session when it was emitted; null if the session has none."""
    # An empty id is no queue.
    has_queue = np.asarray(pc.fill_null(pc.not_equal(segments.get("queueId"), ""), False), bool)
    queues = segments.get("queueId").filter(pa.array(has_queue))
    if not len(queues):
        return pa.nulls(len(metrics), pa.string())
    of_session = segments.parents[has_queue]
    keys = _keys(of_session, segments.get("segmentStart").filter(pa.array(has_queue)))
    order = np.argsort(keys, kind="stable")
    ordered = of_session[order]
    ends = np.asarray(pc.fill_null(pc.starts_with(metrics.get("name"), "t"), False), bool)
    # A millisecond earlier it was still in the queue left.
    moments = _keys(metrics.parents, metrics.get("emitDate")) - ends
    latest = np.searchsorted(keys[order], moments, side="right") - 1
    first = np.searchsorted(ordered, metrics.parents, side="left")
    # The latest entry is that of an earlier session if the session's own first segment had not begun yet.
    position = np.maximum(latest, np.minimum(first, len(ordered) - 1))
    belongs = ordered[position] == metrics.parents
    return queues.take(pa.array(order[position], mask=~belongs))


def _keys(sessions: Indices, times: pa.Array) -> Indices:
    """Numbers that sort by session, then time."""
    moments = np.asarray(pc.fill_null(pc.cast(times, pa.int64()), 0), np.int64)
    keys: Indices = (sessions << _TIME_BITS) + np.clip(moments, 0, 2**_TIME_BITS - 1)
    return keys
