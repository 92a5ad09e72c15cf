"""Genesys Cloud's own sums: the conversation aggregates query.

What it counts in an interval are metrics by their own time of emission, whenever their conversation began (Genesys
developer forum, thread 18235, "Conversation aggregates API call": the interval pertains to the timestamps of the
metrics, not to the start or end of conversations).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.metric_names import COMMON_METRICS
from genesys_dagster.genesys.responses import Response

AGGREGATES_PATH = "/api/v2/analytics/conversations/aggregates/query"
PERMISSION = "analytics:conversationAggregate:view"  # SDK documentation, AnalyticsApi.md


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One metric of one group in one subinterval.

    Attributes:
        group: Dimension to value, such as queueId and mediaType; a dimension without value is missing.
        interval: The subinterval, `start/end` in ISO 8601.
        metric: Name, such as tHandle.
        count: Number of emissions.
        total: Sum of their values (durations in ms); None for counters (n…), which have a count only.
        least: Smallest value; None for counters.
        greatest: Largest value; None for counters.
        numerator: Of a ratio, such as oServiceLevel; it has no count. None for others.
        denominator: Likewise.
    """

    group: Mapping[str, str]
    interval: str
    metric: str
    count: int
    total: float | None = None
    least: float | None = None
    greatest: float | None = None
    numerator: float | None = None
    denominator: float | None = None


async def conversation_aggregates(  # noqa: PLR0913 - the fields of the query
    client: GenesysClient,
    interval: Interval,
    *,
    group_by: Sequence[str] = ("queueId", "mediaType"),
    metrics: Sequence[str] = COMMON_METRICS,
    granularity: str | None = None,
    filters: Mapping[str, Any] | None = None,
) -> list[Aggregate]:
    """Ask for the sums of an interval.

    Args:
        client: An open client.
        interval: Emissions within it count, its end excluded.
        group_by: Dimensions.
        metrics: Names of metrics.
        granularity: ISO 8601 duration that cuts the interval, such as `PT30M`; None for the whole interval.
        filters: Filter of the query: `{"type": "and", "predicates": [{"dimension": …, "value": …}]}`.

    Returns:
        What there was; combinations without any emission are absent (Genesys developer docs, "Conversation aggregate
        query": no data is returned for what did not happen).

    Raises:
        PermissionDeniedError: `analytics:conversationAggregate:view` is missing.
        MalformedResponseError: The answer has another shape.
        GenesysError: As in `GenesysClient.fetch`.
    """
    body: dict[str, Any] = {
        "interval": interval.as_text(),
        "groupBy": list(group_by),
        "metrics": list(metrics),
    }
    if granularity is not None:
        body["granularity"] = granularity
    if filters is not None:
        body["filter"] = dict(filters)
    return await client.fetch("POST", AGGREGATES_PATH, read_aggregates, json=body)


def read_aggregates(response: Response) -> list[Aggregate]:
    """Read the sums in an answer; `{}` holds none.

    Raises:
        MalformedResponseError: It has another shape.
    """
    answer = response.json()
    try:
        return list(_read(answer))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise MalformedResponseError("the answer does not have the shape of aggregates") from None


def any_of(dimension: str, values: Iterable[str | None]) -> dict[str, Any]:
    """A filter on values of a dimension; None stands for conversations that lack it.

    SDK 269 models/conversation_aggregate_query_filter.py, conversation_aggregate_query_predicate.py. An `and` of an `or`,
    since a plain `or` was seen to count too little (laggyzee/genesys-mcp, release notes of 0.2.0).
    """
    predicates = [
        {"type": "dimension", "dimension": dimension, "operator": "notExists"}
        if value is None
        else {"type": "dimension", "dimension": dimension, "operator": "matches", "value": value}
        for value in values
    ]
    return {"type": "and", "clauses": [{"type": "or", "predicates": predicates}]}


def _read(answer: Mapping[str, Any]) -> Iterator[Aggregate]:
    """SDK 269 models/conversation_aggregate_data_container.py, statistical_response.py, statistical_summary.py."""
    for container in answer.get("results") or ():
        for data in container.get("data") or ():
            for metric in data.get("metrics") or ():
                stats = metric.get("stats") or {}
                yield Aggregate(
                    group=dict(container.get("group") or {}),
                    interval=str(data["interval"]),
                    metric=str(metric["metric"]),
                    count=int(stats.get("count") or 0),
                    total=_number(stats.get("sum")),
                    least=_number(stats.get("min")),
                    greatest=_number(stats.get("max")),
                    numerator=_number(stats.get("numerator")),
                    denominator=_number(stats.get("denominator")),
                )


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
