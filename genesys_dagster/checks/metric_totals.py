"""The sums of a partition's metrics by queue, half hour and agent, in the way in which Genesys Cloud counts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from genesys_dagster.checks.leaves import Level
from genesys_dagster.lazy import np, pa, pc

if TYPE_CHECKING:
    from genesys_dagster.checks.leaves import Indices

HALF_HOUR = timedelta(minutes=30)
# By agent, those whose sums by user were seen to match Genesys Cloud's views of agents to the unit (laggyzee/genesys-mcp,
# release notes of 0.2.0); for which user others count is nowhere said.
AGENT_METRICS = frozenset(
    {"tAnswered", "tHandle", "tTalkComplete", "tHeldComplete", "tAcw", "nTransferred", "nOutbound"}
)
_SESSIONS = "participants.sessions"
# Milliseconds since the epoch fit into 42 bits until the year 2109; the rest of 63 bits numbers a batch's sessions.
_TIME_BITS = 42


class Cell(NamedTuple):
    """What is compared: one metric in one queue and medium; None where a session has no queue."""

    queue: str | None
    media: str | None
    metric: str


class HalfHour(NamedTuple):
    """One metric in one half hour of the day (the first is 0), medium and direction of the session."""

    half_hour: int
    media: str | None
    direction: str | None
    metric: str


class OfAgent(NamedTuple):
    """One metric of one agent's sessions of one medium."""

    user: str
    media: str | None
    metric: str


# The columns of each kind of sums.
_COLUMNS: Mapping[type, list[str]] = {
    Cell: ["queueId", "mediaType", "metric"],
    HalfHour: ["halfHour", "mediaType", "direction", "metric"],
    OfAgent: ["userId", "mediaType", "metric"],
}


@dataclass(frozen=True, slots=True)
class Total:
    """Number of emissions, and sum of their values."""

    count: int
    total: float


class MetricTotals:
    """Adds up the metrics that were emitted within an interval.

    A metric counts when it is emitted, not when its conversation began (Genesys developer forum, thread 18235), in the
    queue of its session at that moment: that of the latest segment with a queue, of the first one if none had begun.
    At the very instant of a change, what ends (t…, same thread) is in the queue left: inferred. An inbound session's
    nConnected is in no queue, though its segment names one from connecting on: in published aggregates of a voice org
    inbound queues with up to 1,300 answered have none, and outbound ones as many as talks. That the session's direction
    decides, also in other media, is inferred; see `comparison.INFERRED_QUEUE`.

    Args:
        start: First instant of the interval.
        end: First instant after it.
    """

    leaves: ClassVar = frozenset(
        {
            f"{_SESSIONS}.{leaf}"
            for leaf in (
                "mediaType", "direction", "metrics.name", "metrics.value", "metrics.emitDate", "segments.queueId",
                "segments.segmentStart",
            )
        }
        | {"participants.userId"}
    )  # fmt: skip

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._sums = {kind: _empty(columns) for kind, columns in _COLUMNS.items()}

    def see(self, rows: pa.RecordBatch) -> None:
        """Add the metrics of some rows."""
        participants = Level.of(rows, "participants")
        sessions = participants.below("sessions")
        metrics, segments = sessions.below("metrics"), sessions.below("segments")
        emitted, values = metrics.get("emitDate"), metrics.get("value")
        start, end = (pa.scalar(moment, emitted.type) for moment in (self._start, self._end))
        within = pc.and_(pc.greater_equal(emitted, start), pc.less(emitted, end))
        counts = pc.fill_null(pc.and_(within, pc.is_valid(values)), False)
        session = pa.array(metrics.parents)
        names, direction = metrics.get("name"), sessions.get("direction").take(session)
        connected = pc.and_(pc.equal(names, "nConnected"), pc.equal(direction, "inbound"))
        user = participants.get("userId").take(pa.array(sessions.parents)).take(session)
        table = pa.table(
            {
                "queueId": pc.if_else(
                    pc.fill_null(connected, False),
                    pa.scalar(None, pa.string()),
                    _queues_of(metrics, segments),
                ),
                "mediaType": sessions.get("mediaType").take(session),
                "direction": direction,
                "userId": pc.if_else(pc.is_in(names, pa.array(sorted(AGENT_METRICS))), user, None),
                "halfHour": self._half_hours(emitted),
                "metric": names,
                "count": pa.array(np.ones(len(metrics), np.int64)),
                "total": values,
            }
        ).filter(counts)
        for kind, columns in _COLUMNS.items():
            self._sums[kind] = _added(self._sums[kind], table, columns)

    def result(self) -> Mapping[Cell, Total]:
        """The sums of all rows seen."""
        return {Cell(*place): total for *place, total in self._rows(Cell)}

    def half_hours(self) -> Mapping[HalfHour, Total]:
        """The same by half hour and direction."""
        return {HalfHour(*place): total for *place, total in self._rows(HalfHour)}

    def agents(self) -> Mapping[OfAgent, Total]:
        """The same by agent, of `AGENT_METRICS`."""
        return {OfAgent(*place): total for *place, total in self._rows(OfAgent) if place[0] is not None}

    def _rows(self, kind: type) -> Iterator[list[Any]]:
        for row in self._sums[kind].to_pylist():
            *place, count, total = row.values()
            if row["metric"] is not None:
                yield [*place, Total(count, total)]

    def _half_hours(self, emitted: pa.Array) -> pa.Array:
        since = pc.subtract(pc.cast(emitted, pa.int64()), round(self._start.timestamp() * 1_000))
        return pc.divide(since, HALF_HOUR // timedelta(milliseconds=1))


def _empty(columns: list[str]) -> pa.Table:
    kinds = [(name, pa.int64() if name == "halfHour" else pa.string()) for name in columns]
    return pa.schema([*kinds, ("count", pa.int64()), ("total", pa.float64())]).empty_table()


def _added(sums: pa.Table, table: pa.Table, columns: list[str]) -> pa.Table:
    together = pa.concat_tables([sums, table.select(sums.column_names)])
    added = together.group_by(columns).aggregate([("count", "sum"), ("total", "sum")])
    return added.rename_columns({"count_sum": "count", "total_sum": "total"}).select(sums.column_names)


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
