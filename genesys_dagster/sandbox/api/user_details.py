"""`/api/v2/analytics/users/details`: periods of presence and routing status, by query and by job.

Limits of the interval and paging as for conversations (Genesys developer docs, "User details query"). Hits are stored
copies: both copies of a period count while paging, and the redundant one is dropped afterwards, so that a page can be
short though more follow, and `totalHits` says too much (same page). That the query's hits come in order of time and
the job's by user is inferred from reports (laggyzee/genesys-mcp, release notes of v0.2.0).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.agents_time.storage import Copy
from genesys_dagster.sandbox.agents_time.timeline import Clock
from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.api.exchange import accepts_gzip, json_body, page_response
from genesys_dagster.sandbox.api.filters import Json, compile_filter
from genesys_dagster.sandbox.api.jobs import Family, job_routes
from genesys_dagster.sandbox.api.pages import compress
from genesys_dagster.sandbox.api.query import check_size
from genesys_dagster.sandbox.api.question import (
    ORDERS,
    check_length,
    read_interval,
    read_one_of,
    read_paging,
)
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.api.user_filters import chosen_users, predicates
from genesys_dagster.sandbox.drift import add_unknown_user_enums, add_unknown_user_fields, drifts
from genesys_dagster.sandbox.faults import Faults
from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.times import iso

_PERMISSION = "analytics:userDetail:view"
_CLOCK_FILTERS: dict[str, Clock] = {
    "presenceFilters": "primaryPresence",
    "routingStatusFilters": "routingStatus",
}
# Dimensions of each filter (Genesys developer docs, "User details query").
_DIMENSIONS = {
    "userFilters": ("userId",),
    "presenceFilters": ("systemPresence", "organizationPresenceId"),
    "routingStatusFilters": ("routingStatus",),
}


@dataclass(frozen=True)
class UserQuery:
    """A query's choice of periods.

    Attributes:
        interval: When.
        order: `asc`, `desc` or `unordered`.
        filters: The filter fields of the request.
    """

    interval: Interval
    order: str
    filters: Json

    @classmethod
    def parse(cls, body: Json) -> "UserQuery":
        """Read a request body.

        Raises:
            ApiError: 400 for a missing or impossible interval, order or filter.
        """
        filters = _read_filters(body)
        order = read_one_of(body.get("order") or "asc", "order", ORDERS)
        return cls(read_interval(body), order, filters)

    def hits(self, state: State, as_of: int, *, by_user: bool) -> list[Copy]:
        """The copies that answer it at a moment (ms), by user or in order of time."""
        found = state.statuses.copies(self.interval, as_of)
        copies, faults = found.by_user if by_user else found.by_time, state.settings.faults
        if self.filters:
            copies = _chosen(copies, self.filters, state.time.user_ids)
        if faults.reopened_periods or faults.twin_starts:
            copies = [each for copy in copies for each in _disturbed(copy, faults)]
        return copies if self.order != "desc" else copies[::-1]


async def _query(request: Request) -> Response:
    state = state_of(request)
    state.require(_PERMISSION)
    body = await json_body(request)
    if body.get("presenceAggregations") or body.get("routingStatusAggregations"):
        raise bad_request("The sandbox does not aggregate users' details.", "invalid.property")
    question = UserQuery.parse(body)
    check_length(question.interval, filtered=bool(question.filters))
    size, number = read_paging(state.settings, body)
    page = await run_in_threadpool(_page, state, question, size, number)
    gzip = accepts_gzip(request)
    return page_response(await run_in_threadpool(compress, page) if gzip else page, gzipped=gzip)


def _page(state: State, question: UserQuery, size: int, number: int) -> bytes:
    now, faults = state.now, state.settings.faults
    hits = question.hits(state, now, by_user=False)
    offset = (number - 1) * max(1, size - faults.duplicates)
    drift = faults.total_hits_drift
    total = len(hits) + (drift[(number - 1) % len(drift)] if drift and hits else 0)
    bodies = _encode(state, hits[offset : offset + size], now)
    # An empty answer lacks the array (a pasted response).
    head = b'{"userDetails":[%s],' % b",".join(bodies) if bodies else b"{"
    page = head + b'"totalHits":%d}' % max(0, total)
    check_size(state, page)
    return page


def _disturbed(copy: Copy, faults: Faults) -> Iterator[Copy]:
    """A copy with what faults put before it."""
    if drifts(copy.user_id) and not copy.is_redundant:
        period = copy.period
        if faults.reopened_periods:
            yield copy._replace(is_outdated=True)
        if faults.twin_starts:
            yield copy._replace(period=period._replace(end=period.start))
    yield copy


def _encode(state: State, hits: list[Copy], as_of: int) -> list[bytes]:
    """The users of a page's hits, each with what the page has of theirs."""
    users: dict[str, Json] = {}
    for copy in hits:
        if not copy.is_redundant:
            user = users.setdefault(copy.user_id, {"userId": copy.user_id})
            user.setdefault(copy.clock, []).append(_record(copy, as_of))
    faults = state.settings.faults
    for user_id, user in users.items():
        if faults.unknown_fields and drifts(user_id):
            add_unknown_user_fields(user)
        if faults.unknown_enums and drifts(user_id):
            add_unknown_user_enums(user)
    return [msgspec.json.encode(user) for user in users.values()]


def _record(copy: Copy, as_of: int) -> Json:
    period = copy.period
    record = {"startTime": iso(period.start)}
    if (end := period.ended(as_of)) is not None and not copy.is_outdated:
        record["endTime"] = iso(end)
    if period.definition_id is None:
        return record | {"routingStatus": period.status}
    return record | {"systemPresence": period.status, "organizationPresenceId": period.definition_id}


def _read_filters(body: Json) -> Json:
    filters = {key: body[key] for key in _DIMENSIONS if body.get(key)}
    for key, given in filters.items():
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise bad_request(f"Value of [{key}] is not a list of objects.", "invalid.value")
        for _ in predicates(given, _DIMENSIONS[key]):
            pass
        for each in given:
            compile_filter(each, _values)
    return filters


def _chosen(copies: list[Copy], filters: Json, user_ids: list[str]) -> list[Copy]:
    """The copies that all filters choose. A filter on one clock leaves the other one out (inferred)."""
    if "userFilters" in filters:
        users = set(chosen_users(filters["userFilters"], user_ids))
        copies = [copy for copy in copies if copy.user_id in users]
    tests = {
        clock: [compile_filter(each, _values) for each in filters[key]]
        for key, clock in _CLOCK_FILTERS.items()
        if key in filters
    }
    if not tests:
        return copies
    return [
        copy
        for copy in copies
        if copy.clock in tests and all(test({"copy": copy}) for test in tests[copy.clock])
    ]


def _values(part: Json, name: str) -> list[Any]:
    period = part["copy"].period
    return [period.definition_id if name == "organizationPresenceId" else period.status]


def _job_hits(state: State, question: UserQuery, as_of: int) -> list[Copy]:
    return question.hits(state, as_of, by_user=True)


USERS = Family(
    "users",
    "userDetails",
    (_PERMISSION,),
    lambda state: state.user_watermark,
    UserQuery.parse,
    _job_hits,
    _encode,
    lambda *_: None,
)

routes = [
    Route("/api/v2/analytics/users/details/query", _query, methods=["POST"]),
    *job_routes(USERS),
]
