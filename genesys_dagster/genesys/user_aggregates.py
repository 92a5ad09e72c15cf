"""Genesys Cloud's own sums of agents' time: the user aggregates query.

Time in each presence and routing status, clipped to the interval (a published client's clipped details agree with it). A
status counts only once it has ended (Genesys help, "Agents Status Summary view": data updates when the agent leaves a
status).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from genesys_dagster.genesys.accepted_aggregates import accepted
from genesys_dagster.genesys.aggregates import any_of
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.responses import Response

USER_AGGREGATES_PATH = "/api/v2/analytics/users/aggregates/query"
PERMISSION = "analytics:userAggregate:view"  # SDK documentation, AnalyticsApi.md
PRESENCE, DEFINITION, ROUTING = "tSystemPresence", "tOrganizationPresence", "tAgentRoutingStatus"
METRICS = (PRESENCE, DEFINITION, ROUTING)
"""All that there are (Genesys developer docs, "User aggregate query")."""
MOST_USERS = 100
"""In one question (same page)."""


class Category(NamedTuple):
    """What a user's time is counted as.

    Attributes:
        user: Id.
        metric: One of `METRICS`.
        value: System presence, id of a presence definition, or routing status.
    """

    user: str
    metric: str
    value: str


@dataclass(slots=True)
class UserAggregates:
    """What was answered.

    Attributes:
        milliseconds: Time by user and category; what did not happen is absent.
        definitions: Ids of presence definitions by system presence.
        refused: Metrics that this Genesys Cloud refuses.
        requests: How many questions it took.
    """

    milliseconds: dict[Category, float] = field(default_factory=dict)
    definitions: dict[str, set[str]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    requests: int = 0

    def add(self, other: "UserAggregates") -> None:
        """Take in another answer, about other users or subintervals."""
        for category, time in other.milliseconds.items():
            self.milliseconds[category] = self.milliseconds.get(category, 0.0) + time
        for presence, ids in other.definitions.items():
            self.definitions.setdefault(presence, set()).update(ids)


async def user_aggregates(client: GenesysClient, interval: Interval, users: Sequence[str]) -> UserAggregates:
    """Ask for the time of users in an interval: one question for each hundred of them.

    A metric that is refused is left out; to find it costs a few more questions, once.

    Args:
        client: An open client.
        interval: When.
        users: Their ids.

    Raises:
        PermissionDeniedError: `analytics:userAggregate:view` is missing.
        MalformedResponseError: An answer has another shape.
        GenesysError: As in `GenesysClient.fetch` and `accepted`.
    """
    found = UserAggregates()
    metrics: Sequence[str] = METRICS
    for first in range(0, len(users), MOST_USERS):
        some = users[first : first + MOST_USERS]

        async def ask(names: Sequence[str], some: Sequence[str] = some) -> list[UserAggregates]:
            found.requests += 1
            body = {
                "interval": interval.as_text(),
                "groupBy": ["userId"],
                "metrics": list(names),
                "filter": any_of("userId", some),
            }
            return [await client.fetch("POST", USER_AGGREGATES_PATH, read_user_aggregates, json=body)]

        answers, refused = await accepted(ask, metrics)
        for answer in answers:
            found.add(answer)
        found.refused += refused
        metrics = [name for name in metrics if name not in refused]
        if not metrics:
            break
    return found


def read_user_aggregates(response: Response) -> UserAggregates:
    """Read an answer; `{}` holds nothing. A group's subintervals are added up.

    Raises:
        MalformedResponseError: It has another shape.
    """
    answer, found = response.json(), UserAggregates()
    try:
        for category, time in _times(answer):
            found.milliseconds[category] = found.milliseconds.get(category, 0.0) + time
        for presence, ids in (answer.get("systemToOrganizationMappings") or {}).items():
            found.definitions[str(presence)] = {str(each) for each in ids or ()}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise MalformedResponseError("the answer does not have the shape of users' aggregates") from None
    return found


def _times(answer: Mapping[str, Any]) -> Iterator[tuple[Category, float]]:
    """SDK 269 models/user_aggregate_data_container.py, statistical_response.py, aggregate_metric_data.py."""
    for container in answer.get("results") or ():
        user = str(container["group"]["userId"])
        for data in container.get("data") or ():
            for metric in data.get("metrics") or ():
                # Without a qualifier it says nothing of a category.
                if qualifier := metric.get("qualifier"):
                    total = (metric.get("stats") or {}).get("sum") or 0.0
                    yield Category(user, str(metric["metric"]), str(qualifier)), float(total)
