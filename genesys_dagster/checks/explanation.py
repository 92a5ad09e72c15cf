"""Why Genesys Cloud counts more than a partition holds: conversations of other days, or missing ones.

Aggregates count what was emitted on a day, a partition holds the conversations that began on it: an e-mail thread of
last week counts today. So wherever Genesys Cloud has more, it is asked conversation by conversation, for many queues at
once; those that the partition does not hold are looked up, and either began on another day or are missing here.

The number of requests is bounded: at most 40 for the conversations behind a surplus, however many queues have one, and
400 to look up 20,000 conversations by their ids.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from genesys_dagster.checks.comparison import Difference, cell_of, without
from genesys_dagster.checks.metric_totals import Cell
from genesys_dagster.genesys.aggregates import Aggregate, any_of, conversation_aggregates
from genesys_dagster.genesys.by_id import conversation_starts
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import RequestRejectedError
from genesys_dagster.genesys.interval import Interval

MOST_QUESTIONS = 40
MOST_CONVERSATIONS = 20_000
# So many groups fit well into one answer, until the day has more than MOST_QUESTIONS of them. Neither a limit on groups
# nor on predicates is documented; a queue weighs something by itself, which makes at most 100 queues in a question.
_GROUPS_PER_QUESTION = 20_000
_WEIGHT_OF_QUEUE = 200


@dataclass(slots=True)
class Explanation:
    """What was found out.

    Attributes:
        theirs: Genesys Cloud's aggregates without the conversations that began on other days.
        carried_over: How many those are.
        missing: Ids of conversations that began within the partition's day and are not in it.
        limit: Why the question was not followed to the end; None if it was.
    """

    theirs: dict[Cell, Aggregate]
    carried_over: int = 0
    missing: list[str] = field(default_factory=list)
    limit: str | None = None


async def explain(
    client: GenesysClient,
    interval: Interval,
    theirs: Mapping[Cell, Aggregate],
    differences: Collection[Difference],
    held: Collection[str],
) -> Explanation:
    """Ask for the conversations behind a surplus.

    Args:
        client: An open client.
        interval: The partition's day.
        theirs: Genesys Cloud's aggregates.
        differences: Where the partition differs from them.
        held: Ids of the conversations in the partition.

    Raises:
        GenesysError: As in `GenesysClient.fetch`.
    """
    explanation = Explanation(dict(theirs))
    foreign: list[tuple[Cell, Aggregate]] = []
    try:
        for queues, metrics in _questions(differences, theirs):
            behind = await conversation_aggregates(
                client,
                interval,
                group_by=["conversationId", "queueId", "mediaType"],
                metrics=sorted(metrics),
                filters=any_of("queueId", queues),
            )
            foreign += [
                (cell_of(part), part) for part in behind if part.group.get("conversationId", "") not in held
            ]
    except RequestRejectedError as error:
        explanation.limit = f"Genesys Cloud does not say which conversations it counts: {error}"
        return explanation
    await _look_up(client, interval, foreign, explanation)
    return explanation


def _questions(
    differences: Collection[Difference], theirs: Mapping[Cell, Aggregate]
) -> Iterable[tuple[list[str | None], set[str]]]:
    """Queues and the metrics to ask for, shared out over as few questions as their answers allow."""
    metrics: dict[str | None, set[str]] = defaultdict(set)
    for difference in differences:
        if difference.is_surplus:
            metrics[difference.cell.queue].add(difference.cell.metric)
    weights = dict.fromkeys(metrics, _WEIGHT_OF_QUEUE)
    for cell, aggregate in theirs.items():
        if cell.metric in metrics.get(cell.queue, ()):
            weights[cell.queue] += aggregate.count
    whole = sum(weights.values())
    number = min(MOST_QUESTIONS, -(-whole // _GROUPS_PER_QUESTION))
    questions: dict[int, tuple[list[str | None], set[str]]] = defaultdict(lambda: ([], set()))
    before = 0
    for queue, weight in weights.items():
        queues, asked = questions[before * number // whole]
        queues.append(queue)
        asked |= metrics[queue]
        before += weight
    return questions.values()


async def _look_up(
    client: GenesysClient,
    interval: Interval,
    foreign: Collection[tuple[Cell, Aggregate]],
    explanation: Explanation,
) -> None:
    ids = sorted({part.group["conversationId"] for _, part in foreign if "conversationId" in part.group})
    if len(ids) > MOST_CONVERSATIONS:
        explanation.limit = f"Only {MOST_CONVERSATIONS:,} of {len(ids):,} conversations that are not in the partition were looked up."
    starts = await conversation_starts(client, ids[:MOST_CONVERSATIONS])
    within = {identity for identity, start in starts.items() if interval.start <= start < interval.end}
    explanation.missing = sorted(within)
    explanation.carried_over = len(starts) - len(within)
    for cell, part in foreign:
        identity = part.group.get("conversationId")
        if identity in starts and identity not in within:
            _take_out(explanation.theirs, cell, part)


def _take_out(theirs: dict[Cell, Aggregate], cell: Cell, part: Aggregate) -> None:
    rest = without(theirs.pop(cell, None), part)
    if rest is not None:
        theirs[cell] = rest
