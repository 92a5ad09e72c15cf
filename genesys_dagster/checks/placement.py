"""Whether what a day holds lies in the right half hours, with the right direction and with the right agents.

Two more questions a day, about the metrics that agree by queue. Judged is only where the partition has more than Genesys
Cloud: conversations that began on other days add to Genesys Cloud's numbers alone, and as the sums of the day agree, what
lies in a wrong place is too much somewhere.

That `direction` is the session's, as in records, is inferred. So if what differs in it only is up to a tenth of the day,
that is told and nothing is held against the day.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from genesys_dagster.checks.comparison import TOLERANCE_PER_VALUE, counted, is_counter
from genesys_dagster.checks.metric_totals import (
    AGENT_METRICS,
    HALF_HOUR,
    HalfHour,
    MetricTotals,
    OfAgent,
    Total,
)
from genesys_dagster.genesys.aggregates import Aggregate, conversation_aggregates
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import RequestRejectedError
from genesys_dagster.genesys.interval import Interval, parse_instant

MOST_DIRECTED_OTHERWISE = 0.1
_NOTHING = Total(0, 0.0)
_Place = TypeVar("_Place", HalfHour, OfAgent)


@dataclass(frozen=True, slots=True)
class Excess:
    """A place in which the partition has more than Genesys Cloud."""

    place: HalfHour | OfAgent
    ours: Total
    theirs: Total

    @property
    def count(self) -> int:
        """By how many emissions."""
        return counted(self.place.metric, self.ours) - counted(self.place.metric, self.theirs)


@dataclass(slots=True)
class Placement:
    """What was found.

    Attributes:
        half_hours: How many values were compared by half hour and direction.
        agents: How many by agent.
        excesses: Where the partition has too many, the greatest first.
        remarks: What could not be compared, or differs in what is only inferred.
    """

    half_hours: int = 0
    agents: int = 0
    excesses: list[Excess] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


async def look_up_places(
    client: GenesysClient, interval: Interval, totals: MetricTotals, metrics: Collection[str]
) -> Placement:
    """Compare by half hour and direction, and by agent.

    Args:
        client: An open client.
        interval: The partition's day.
        totals: The partition's sums.
        metrics: Those that are compared.

    Raises:
        GenesysError: As in `GenesysClient.fetch`, save a refusal of the question.
    """
    found = Placement()
    try:
        half_hours = await _ask(
            client, interval, metrics, ("mediaType", "direction"), lambda each: _half_hour(each, interval)
        )
    except (RequestRejectedError, ValueError) as error:
        found.remarks.append(f"Not compared by half hour: {error}")
    else:
        ours = {place: total for place, total in totals.half_hours().items() if place.metric in metrics}
        found.half_hours = len({*ours, *half_hours})
        excesses, remark = directed(ours, half_hours)
        found.excesses += excesses
        found.remarks += [remark] if remark else []
    try:
        agents = await _ask(
            client, interval, AGENT_METRICS.intersection(metrics), ("userId", "mediaType"), _agent
        )
    except RequestRejectedError as error:
        found.remarks.append(f"Not compared by agent: {error}")
    else:
        of_agents = {place: total for place, total in totals.agents().items() if place.metric in metrics}
        found.agents = len(of_agents)
        found.excesses += excesses_of(of_agents, agents)
    found.excesses.sort(key=lambda each: -each.count)
    return found


async def _ask(
    client: GenesysClient,
    interval: Interval,
    metrics: Collection[str],
    group_by: tuple[str, str],
    place_of: Callable[[Aggregate], _Place],
) -> dict[_Place, Total]:
    if not metrics:
        return {}
    answer = await conversation_aggregates(
        client,
        interval,
        group_by=group_by,
        metrics=sorted(metrics),
        granularity="PT30M" if "direction" in group_by else None,
    )
    return {place_of(each): _total(each) for each in answer}


def _half_hour(aggregate: Aggregate, interval: Interval) -> HalfHour:
    since = parse_instant(aggregate.interval.partition("/")[0]) - interval.start
    if since % HALF_HOUR:
        raise ValueError(f"Genesys Cloud cuts the day elsewhere: {aggregate.interval}.")
    group = aggregate.group
    return HalfHour(since // HALF_HOUR, group.get("mediaType"), group.get("direction"), aggregate.metric)


def _agent(aggregate: Aggregate) -> OfAgent:
    return OfAgent(aggregate.group.get("userId", ""), aggregate.group.get("mediaType"), aggregate.metric)


def _total(aggregate: Aggregate) -> Total:
    if is_counter(aggregate.metric):
        return Total(aggregate.count, float(aggregate.count))
    return Total(aggregate.count, math.inf if aggregate.total is None else aggregate.total)


def excesses_of(ours: Mapping[_Place, Total], theirs: Mapping[_Place, Total]) -> list[Excess]:
    """Where ours are more, or longer by more than a millisecond per value."""
    excesses = [Excess(place, total, theirs.get(place, _NOTHING)) for place, total in ours.items()]
    return [each for each in excesses if each.count > 0 or _longer(each)]


def _longer(each: Excess) -> bool:
    tolerance = TOLERANCE_PER_VALUE * max(1, each.ours.count)
    return not is_counter(each.place.metric) and each.ours.total > each.theirs.total + tolerance


def directed(
    ours: Mapping[HalfHour, Total], theirs: Mapping[HalfHour, Total]
) -> tuple[list[Excess], str | None]:
    """Where ours are more by half hour and direction, or a remark if only few directions differ."""
    excesses = excesses_of(ours, theirs)
    if not excesses or excesses_of(_undirected(ours), _undirected(theirs)):
        return excesses, None
    otherwise = sum(each.count for each in excesses)
    share = otherwise / max(1, sum(counted(place.metric, total) for place, total in ours.items()))
    if share > MOST_DIRECTED_OTHERWISE:
        return excesses, None
    names = ", ".join(sorted({each.place.metric for each in excesses}))
    return [], f"Genesys Cloud counts {share:.1%} in another direction than that of their session: {names}."


def _undirected(totals: Mapping[HalfHour, Total]) -> dict[HalfHour, Total]:
    sums: dict[HalfHour, Total] = defaultdict(lambda: _NOTHING)
    for place, total in totals.items():
        key = place._replace(direction=None)
        sums[key] = Total(sums[key].count + total.count, sums[key].total + total.total)
    return sums
