"""The partition's sums against Genesys Cloud's own: what is compared, and what counts as different."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from genesys_dagster.checks.metric_totals import Cell, Total
from genesys_dagster.genesys.aggregates import Aggregate
from genesys_dagster.genesys.metric_names import COMMON_METRICS, PERHAPS_NOT_IN_RECORDS

# Of these it is inferred in which queue they count (see `metric_totals`): if all queues together agree, that is told and
# nothing is held against the day.
INFERRED_QUEUE = frozenset({"nConnected"})
# Counts must be the same. A sum may be off by a millisecond for each value in it: aggregates are whole numbers.
TOLERANCE_PER_VALUE = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell in which the two sides differ.

    Attributes:
        cell: Which one.
        ours: What the partition holds.
        theirs: What Genesys Cloud says; its `total` is None for counters (n…).
    """

    cell: Cell
    ours: Total
    theirs: Aggregate | None

    @property
    def their_count(self) -> int:
        """Genesys Cloud's count."""
        return self.theirs.count if self.theirs else 0

    @property
    def excess(self) -> int:
        """By how much Genesys Cloud's count is greater."""
        return self.their_count - counted(self.cell.metric, self.ours)

    @property
    def is_surplus(self) -> bool:
        """Whether Genesys Cloud has more: conversations of other days could explain that."""
        their_total = (self.theirs.total if self.theirs else None) or 0.0
        return self.excess > 0 or (not is_counter(self.cell.metric) and their_total > self.ours.total)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome.

    Attributes:
        compared: How many cells were compared.
        differences: Those that differ, the greatest first.
        only_ours: Metrics that aggregates do not know.
        only_theirs: Metrics that no conversation of the partition carries, and perhaps no record ever does.
        lost: Metrics that Genesys Cloud counts and no conversation of the partition carries, though records do.
        uncounted: Metrics that aggregates know, and that Genesys Cloud did not count anywhere in the interval.
        refused: Metrics that Genesys Cloud does not give: they are not compared.
        elsewhere: Metrics that Genesys Cloud counts in other queues than is inferred, and as often in all.
    """

    compared: int
    differences: list[Difference]
    only_ours: list[str]
    only_theirs: list[str]
    lost: list[str]
    uncounted: list[str]
    refused: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def is_counter(metric: str) -> bool:
    """Whether a metric is a count: aggregates give no sum for it."""
    return metric.startswith("n")


def counted(metric: str, total: Total) -> int:
    """How often a metric happened: for counters the sum of their values (each usually 1)."""
    return round(total.total) if is_counter(metric) else total.count


def by_cell(aggregates: Iterable[Aggregate]) -> dict[Cell, Aggregate]:
    """Genesys Cloud's answer by queue, medium and metric."""
    return {cell_of(aggregate): aggregate for aggregate in aggregates}


def cell_of(aggregate: Aggregate) -> Cell:
    """Where an aggregate belongs."""
    return Cell(aggregate.group.get("queueId"), aggregate.group.get("mediaType"), aggregate.metric)


def compare(
    ours: Mapping[Cell, Total], theirs: Mapping[Cell, Aggregate], refused: Collection[str] = ()
) -> Comparison:
    """Compare cell by cell, for all metrics that both sides know.

    What one side lacks everywhere is judged, too, if the SDK says that it knows the metric. Otherwise it is listed:
    aggregates do not know all metrics of detail records, nor the reverse. If one side has nothing at all, everything
    is judged.

    Args:
        ours: Sums of the partition.
        theirs: Genesys Cloud's aggregates.
        refused: Metrics that Genesys Cloud does not give; nothing is said of them.
    """
    ours = {cell: total for cell, total in ours.items() if cell.metric not in refused}
    our_metrics, their_metrics = {cell.metric for cell in ours}, {cell.metric for cell in theirs}
    lost = their_metrics - our_metrics - (PERHAPS_NOT_IN_RECORDS if ours else set())
    uncounted = our_metrics - their_metrics
    if theirs:
        uncounted &= set(COMMON_METRICS)
    judged = our_metrics & their_metrics | lost | uncounted
    cells = [cell for cell in {*ours, *theirs} if cell.metric in judged]
    differences = [
        Difference(cell, ours.get(cell, Total(0, 0.0)), theirs.get(cell))
        for cell in cells
        if not _agree(cell, ours.get(cell, Total(0, 0.0)), theirs.get(cell))
    ]
    elsewhere = {each.cell for each in differences if _agrees_in_all(differences, each.cell)}
    differences = [each for each in differences if each.cell not in elsewhere]
    differences.sort(key=lambda each: (-abs(each.excess), str(each.cell)))
    return Comparison(
        len(cells),
        differences,
        only_ours=sorted(our_metrics - judged),
        only_theirs=sorted(their_metrics - judged),
        lost=sorted(lost),
        uncounted=sorted(uncounted),
        refused=tuple(refused),
        elsewhere=tuple(sorted({cell.metric for cell in elsewhere})),
    )


def _agrees_in_all(differences: Collection[Difference], cell: Cell) -> bool:
    if cell.metric not in INFERRED_QUEUE:
        return False
    return not sum(each.excess for each in differences if each.cell[1:] == cell[1:])


def _agree(cell: Cell, ours: Total, theirs: Aggregate | None) -> bool:
    their_count = theirs.count if theirs else 0
    if counted(cell.metric, ours) != their_count:
        return False
    if is_counter(cell.metric) or theirs is None or theirs.total is None:
        return True
    return abs(ours.total - theirs.total) <= TOLERANCE_PER_VALUE * max(1, their_count)


def without(theirs: Aggregate | None, part: Aggregate) -> Aggregate | None:
    """What is left of an aggregate when a part of it is taken out; None if nothing is."""
    if theirs is None or theirs.count <= part.count:
        return None
    total = None if theirs.total is None else theirs.total - (part.total or 0.0)
    return Aggregate(theirs.group, theirs.interval, theirs.metric, theirs.count - part.count, total)
