"""The sums of all metrics that an org's Genesys Cloud knows: names that it refuses are left out and told."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from genesys_dagster.genesys.aggregates import Aggregate, conversation_aggregates
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import RequestRejectedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.metric_names import COMMON_METRICS

T = TypeVar("T")

MOST_REQUESTS = 30
_NAME = re.compile(r"\b[nto][A-Z][A-Za-z]+\b")


async def accepted_aggregates(
    client: GenesysClient, interval: Interval, metrics: Sequence[str] = COMMON_METRICS
) -> tuple[list[Aggregate], tuple[str, ...]]:
    """Ask for the sums of metrics by queue and media type, without those that are refused.

    Arguments, returns and errors as of `conversation_aggregates` and `accepted`.
    """
    return await accepted(lambda names: conversation_aggregates(client, interval, metrics=names), metrics)


async def accepted(
    ask: Callable[[Sequence[str]], Awaitable[Iterable[T]]], metrics: Sequence[str]
) -> tuple[list[T], tuple[str, ...]]:
    """Ask for metrics without those that are refused.

    One request if all are known. A refused name costs another one if the answer names it (`Invalid metric: tPark`),
    and a search by halves if it speaks of metrics without saying which (developer-tools of Genesys, pull request 68).

    Args:
        ask: Asks for some metrics, in one request.
        metrics: Names of metrics.

    Returns:
        What was answered, and the names that were refused.

    Raises:
        RequestRejectedError: It was refused for another reason, or 30 requests were not enough.
        GenesysError: As in `GenesysClient.fetch`.
    """
    found: list[T] = []
    refused: list[str] = []
    pending = [metrics]
    for request in range(1, MOST_REQUESTS + 1):
        portion = pending.pop()
        try:
            found += await ask(portion)
        except RequestRejectedError as error:
            names = _refused(portion, error)
            if not names or request == MOST_REQUESTS:
                raise
            if len(names) == 1:
                refused += names
                pending.append([name for name in portion if name not in names])
            else:
                middle = len(names) // 2
                pending += [names[:middle], names[middle:]]
        pending = [portion for portion in pending if portion]
        if not pending:
            break
    else:
        raise RequestRejectedError("more names of metrics are refused than can be searched for", status=400)
    return found, tuple(sorted(refused))


def _refused(metrics: Sequence[str], error: RequestRejectedError) -> Sequence[str]:
    """The metric that was refused, or all that may be; none if it was not refused for a metric."""
    if error.status != 400:
        return ()
    said = f"{error.code} {error.message}"
    if named := next((name for name in _NAME.findall(said) if name in metrics), None):
        return [named]
    return metrics if "metric" in said.lower() else ()
