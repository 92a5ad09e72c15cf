"""`POST /api/v2/analytics/conversations/aggregates/query`: sums of metrics by dimensions and subintervals.

A metric counts where it was emitted, whenever its conversation began (Genesys developer forum, thread 18235). Fields
are those of SDK 269 models/conversation_aggregation_query.py and statistical_summary.py; `oServiceLevel` is answered
with numerator (answered less `nOverSla`: Genesys staff in the developer forum, thread 21914), denominator, ratio and
the queue's target, and stands in no group without answers and abandons, as in published aggregates of a voice org. The
public documentation
that we know names no limit on the interval or on the number of groups, so there is none here; views, topN, bottomN
and the alternate time dimension are refused.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.api.exchange import compressed_response, json_body
from genesys_dagster.sandbox.api.filters import Json, compile_filter
from genesys_dagster.sandbox.api.question import read_interval, read_names, read_parts
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.emissions import DIMENSIONS, Emission
from genesys_dagster.sandbox.interval import Interval
from genesys_dagster.sandbox.times import iso

_METRIC = re.compile(r"[nto][A-Z][A-Za-z]+")
_SERVICE_LEVEL = "oServiceLevel"
_REFUSED = ("views", "alternateTimeDimension", "sortMetric", "limit")

Group = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Question:
    """A parsed query."""

    interval: Interval
    parts: list[Interval]
    group_by: list[str]
    metrics: frozenset[str]
    test: Callable[[Json], bool]

    def part_of(self, at: int) -> Interval:
        """The subinterval of a moment (ms) within the interval."""
        return self.parts[bisect_right(self.parts, at, key=lambda part: part.start) - 1]


async def aggregates(request: Request) -> Response:
    """Answer an aggregates query."""
    state = state_of(request)
    state.require("analytics:conversationAggregate:view")
    question = _parse(await json_body(request))
    refuse_metrics(state, question.metrics)
    body = await run_in_threadpool(_answer, state, question)
    return await compressed_response(request, body)


def refuse_metrics(state: State, names: Iterable[str]) -> None:
    """Refuse the metrics that a fault makes unknown.

    Raises:
        ApiError: 400.
    """
    for name in sorted(set(names).intersection(state.settings.faults.refused_metrics)):
        raise bad_request(f"Invalid metric: {name}")


def _answer(state: State, question: _Question) -> bytes:
    found: dict[Group, dict[Interval, dict[str, list[float]]]] = {}
    for emission in _emitted(state, question):
        present = (name for name in question.group_by if name in emission.dimensions)
        group = tuple((name, str(emission.dimensions[name])) for name in present)
        part = question.part_of(emission.at)
        metrics = found.setdefault(group, {}).setdefault(part, {})
        metrics.setdefault(emission.name, []).append(emission.value)
    results = []
    for group, parts in sorted(found.items()):
        told = {part: list(_told(state, question, dict(group), parts[part])) for part in parts}
        data = [
            {"interval": f"{iso(part.start)}/{iso(part.end)}", "metrics": told[part]}
            for part in question.parts
            if told.get(part)
        ]
        if data:
            results.append({"group": dict(group), "data": data})
    return msgspec.json.encode({"results": results} if results else {})


def _told(
    state: State, question: _Question, group: dict[str, str], metrics: dict[str, list[float]]
) -> Iterator[Json]:
    """The metrics that were asked for; those that are made of others come last."""
    for name, values in sorted(metrics.items()):
        if name in question.metrics:
            yield {"metric": name, "stats": _stats(name, values)}
    if _SERVICE_LEVEL in question.metrics:
        base = sum(sign * len(metrics.get(name, ())) for name, sign in state.settings.service_level.items())
        if base > 0:
            in_time = len(metrics.get("tAnswered", ())) - len(metrics.get("nOverSla", ()))
            stats = {"ratio": in_time / base, "numerator": in_time, "denominator": base}
            yield {"metric": _SERVICE_LEVEL, "stats": stats | _target(state, group)}


def _target(state: State, group: dict[str, str]) -> Json:
    """The share that a queue is to answer in time; there is none without a queue."""
    medium = group.get("mediaType", "voice")
    for queue in state.org.directory.queues:
        if queue["id"] == group.get("queueId"):
            settings = queue["mediaSettings"].get("call" if medium == "voice" else medium)
            return {"target": settings["serviceLevel"]["percentage"]} if settings else {}
    return {}


def _emitted(state: State, question: _Question) -> Iterator[Emission]:
    """The emissions that count."""
    wanted = set(question.metrics)
    if _SERVICE_LEVEL in wanted:
        wanted |= {"nOverSla", *state.settings.service_level}
    for emission in state.emissions.during(question.interval, state.now):
        if emission.name in wanted and question.test(emission.dimensions):
            yield emission


def _stats(name: str, values: list[float]) -> Json:
    """Counters have a count only, as in the examples of the developer docs, "Conversation aggregate query"."""
    if name.startswith("n"):
        return {"count": int(sum(values))}
    return {"max": max(values), "min": min(values), "count": len(values), "sum": sum(values)}


def _parse(body: Json) -> _Question:
    for name in _REFUSED:
        if body.get(name):
            raise bad_request(f"The sandbox does not know [{name}].", "invalid.property")
    if body.get("queryType", "groupBy") != "groupBy":
        raise bad_request("The sandbox knows only the queryType groupBy.", "invalid.value")
    interval = read_interval(body)
    return _Question(
        interval,
        read_parts(body, interval),
        read_names(body, "groupBy", DIMENSIONS.__contains__),
        frozenset(read_names(body, "metrics", _METRIC.fullmatch, required=True)),
        _test(body),
    )


def _test(body: Json) -> Callable[[Json], bool]:
    filter_ = body.get("filter")
    if not filter_:
        return lambda _: True
    if not isinstance(filter_, dict):
        raise bad_request("Value of [filter] is not an object.", "invalid.value")
    return compile_filter(filter_, lambda dimensions, name: [dimensions[name]] if name in dimensions else [])


routes = [Route("/api/v2/analytics/conversations/aggregates/query", aggregates, methods=["POST"])]
