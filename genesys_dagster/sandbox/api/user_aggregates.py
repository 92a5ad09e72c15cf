"""`POST /api/v2/analytics/users/aggregates/query`: time in each presence and routing status.

Three metrics, one dimension to group and filter by, at most 100 users in the filter (Genesys developer docs, "User
aggregate query"; texts of refusals as laggyzee/genesys-mcp tells of them). A status counts once it has ended (Genesys
help, "Agents Status Summary view"), clipped to the interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.agents_time.timeline import Clock, Period
from genesys_dagster.sandbox.api.aggregates import refuse_metrics
from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.api.exchange import compressed_response, json_body
from genesys_dagster.sandbox.api.filters import Json
from genesys_dagster.sandbox.api.question import read_interval, read_names, read_parts
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.api.user_filters import chosen_users, predicates
from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.times import iso

_CLOCKS: dict[str, Clock] = {
    "tAgentRoutingStatus": "routingStatus",
    "tOrganizationPresence": "primaryPresence",
    "tSystemPresence": "primaryPresence",
}
_MOST_PREDICATES = 100
_MOST_DAYS = 366  # longer ones are "rejected or silently capped" (laggyzee/genesys-mcp)
_REFUSED = ("views", "alternateTimeDimension")


@dataclass(frozen=True)
class _Question:
    parts: list[Interval]
    by_user: bool
    metrics: list[str]
    user_ids: list[str]


async def _aggregates(request: Request) -> Response:
    state = state_of(request)
    state.require("analytics:userAggregate:view")
    question = _parse(state, await json_body(request))
    refuse_metrics(state, question.metrics)
    return await compressed_response(request, await run_in_threadpool(_answer, state, question))


def _answer(state: State, question: _Question) -> bytes:
    # Group → number of the subinterval → metric and qualifier → ms.
    found: dict[str, list[dict[tuple[str, str], int]]] = {}
    for user_id in question.user_ids:
        for metric in question.metrics:
            for number, qualifier, length in _lengths(state, question, user_id, metric):
                group = found.setdefault(user_id if question.by_user else "", [{} for _ in question.parts])
                group[number][metric, qualifier] = group[number].get((metric, qualifier), 0) + length
    results = [
        {
            "group": {"userId": group} if question.by_user else {},
            "data": [_data(part, sums) for part, sums in zip(question.parts, parts, strict=True) if sums],
        }
        for group, parts in sorted(found.items())
    ]
    mappings: dict[str, list[str]] = {}
    for presence in state.time.presences.all:
        mappings.setdefault(presence.system, []).append(presence.definition_id)
    return msgspec.json.encode({"systemToOrganizationMappings": mappings, "results": results})


def _lengths(state: State, question: _Question, user_id: str, metric: str) -> Iterator[tuple[int, str, int]]:
    """Number of the subinterval, category and time (ms) of each period that is over, wherever it lies."""
    now, parts = state.now, question.parts
    start, end = parts[0].start, parts[-1].end
    first = 0
    for period in state.time.periods(user_id, _CLOCKS[metric], start, end, now):
        over = period.ended(now)
        if over is None:
            continue
        while parts[first].end <= period.start:
            first += 1
        number = first
        while number < len(parts) and parts[number].start < over:
            length = min(over, parts[number].end) - max(period.start, parts[number].start)
            yield number, _category(metric, period), length
            number += 1


def _category(metric: str, period: Period) -> str:
    return str(period.definition_id) if metric == "tOrganizationPresence" else period.status


def _data(part: Interval, sums: dict[tuple[str, str], int]) -> Json:
    return {
        "interval": f"{iso(part.start)}/{iso(part.end)}",
        "metrics": [
            {"metric": metric, "qualifier": qualifier, "stats": {"sum": float(length)}}
            for (metric, qualifier), length in sorted(sums.items())
        ],
    }


def _parse(state: State, body: Json) -> _Question:
    for name in _REFUSED:
        if body.get(name):
            raise bad_request(f"The sandbox does not know [{name}].", "invalid.property")
    interval = read_interval(body)
    if interval.days > _MOST_DAYS:
        raise bad_request(f"The interval may not exceed {_MOST_DAYS} days.")
    group_by = read_names(body, "groupBy", {"userId"}.__contains__)
    metrics = read_names(body, "metrics", _CLOCKS.__contains__, required=True)
    return _Question(read_parts(body, interval), bool(group_by), metrics, _users(state, body.get("filter")))


def _users(state: State, filter_: object) -> list[str]:
    if not filter_:
        return state.time.user_ids
    if not isinstance(filter_, dict):
        raise bad_request("Value of [filter] is not an object.", "invalid.value")
    if len(list(predicates([filter_], ("userId",)))) > _MOST_PREDICATES:
        raise bad_request(f"The filter may not have more than {_MOST_PREDICATES} predicates on userId.")
    return chosen_users([filter_], state.time.user_ids)


routes = [Route("/api/v2/analytics/users/aggregates/query", _aggregates, methods=["POST"])]
