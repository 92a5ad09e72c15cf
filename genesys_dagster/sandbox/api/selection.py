"""Which conversations answer a query, in which order."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from genesys_dagster.sandbox.api.filters import FILTER_KEYS, Json, compile_filters
from genesys_dagster.sandbox.api.question import ORDERS, read_interval, read_one_of
from genesys_dagster.sandbox.interval import Interval, active_during, started_on_touched_days
from genesys_dagster.sandbox.org import Org, visible
from genesys_dagster.sandbox.rows import Row, decode

_ORDER_BY = ("conversationStart", "conversationEnd", "segmentStart", "segmentEnd")
_KEPT = 32


@dataclass(frozen=True)
class Query:
    """A query's choice of conversations.

    Attributes:
        interval: When.
        overlap: Whether conversations of earlier days count that were active in the interval.
        order: `asc`, `desc` or `unordered`.
        order_by: The time to order by.
        filters: The filter fields of the request.
    """

    interval: Interval
    overlap: bool
    order: str
    order_by: str
    filters: Json

    @classmethod
    def parse(cls, body: Json, *, overlap: bool) -> "Query":
        """Read a request body.

        Raises:
            ApiError: 400 for a missing or impossible interval, order or filter.
        """
        filters = {key: body[key] for key in FILTER_KEYS if body.get(key)}
        compile_filters(filters)
        return cls(
            read_interval(body),
            overlap,
            read_one_of(body.get("order") or "asc", "order", ORDERS),
            read_one_of(body.get("orderBy") or "conversationStart", "orderBy", _ORDER_BY),
            filters,
        )


class Selector:
    """Finds the rows of queries; remembers the latest intervals, since a query comes page by page."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._kept: OrderedDict[tuple[Interval, bool], list[Row]] = OrderedDict()
        self._lock = Lock()

    def rows(self, query: Query, as_of: int) -> list[Row]:
        """The query's conversations as known at `as_of` (ms), in its order."""
        if as_of < query.interval.start:
            return []
        in_interval = self._in_interval(query)
        rows = in_interval[: visible(in_interval, as_of)]
        if query.filters:
            test = compile_filters(query.filters)
            rows = [row for row in rows if test(decode(self._org.body(row, as_of, attributes=False)))]
        if query.order_by in {"conversationEnd", "segmentEnd"}:
            # Open conversations come last: they end after all others.
            rows.sort(key=lambda row: (row.end > as_of, row.end if row.end <= as_of else 0, row.start))
        if query.order == "desc":
            rows.reverse()
        return rows

    def _in_interval(self, query: Query) -> list[Row]:
        key = (query.interval, query.overlap)
        with self._lock:
            if key not in self._kept:
                find = active_during if query.overlap else started_on_touched_days
                self._kept[key] = list(find(self._org, query.interval))
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]
