"""Our formula of the service level against the one that Genesys Cloud answers with (`oServiceLevel`).

Its numerator is what was answered less what of that was over the SLA (Genesys staff, developer forum, thread 21914). Its
denominator has switches that each org sets and no API tells (Genesys help, "Configure the service level calculation"):
which of them are on follows from the numbers, and is told, not judged. Published aggregates of a voice org agree: 787
answered, 373 over the SLA, 83 abandoned and 7 flow-outs are 414 of 870.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from genesys_dagster.checks.metric_totals import Cell
from genesys_dagster.genesys.aggregates import Aggregate

_ANSWERED = {"answered": {"tAnswered": 1}}
_ABANDONED = {
    "answered + abandoned": {"tAnswered": 1, "tAbandon": 1},
    "answered + abandoned - short abandoned": {"tAnswered": 1, "tAbandon": 1, "tShortAbandon": -1},
}
_WITHOUT_FLOW_OUTS = _ABANDONED | _ANSWERED
# What an org leaves as it is comes first: on a quiet day several fit.
BASES: Mapping[str, Mapping[str, int]] = _WITHOUT_FLOW_OUTS | {
    f"{words} + flow-outs": parts | {"tFlowOut": 1} for words, parts in _WITHOUT_FLOW_OUTS.items()
}
_NEEDED = ("tAnswered", "nOverSla")
# Callbacks have a service level of their own (oCallbackServiceLevel); what this one means for them is nowhere said.
_NOT_OF = "callback"


@dataclass(frozen=True, slots=True)
class WrongLevel:
    """A service level whose numerator is another one than ours."""

    cell: Cell
    ours: int
    theirs: int


@dataclass(slots=True)
class ServiceLevels:
    """What was found.

    Attributes:
        compared: How many service levels were compared.
        wrong: Those whose numerator differs.
        base: What the denominator consists of, in words; None if nothing was compared.
        otherwise: How many have another denominator than that.
    """

    compared: int = 0
    wrong: list[WrongLevel] = field(default_factory=list)
    base: str | None = None
    otherwise: int = 0


def compare_levels(
    levels: Iterable[Aggregate],
    theirs: Mapping[Cell, Aggregate],
    differing: Collection[Cell],
    refused: Collection[str],
) -> ServiceLevels:
    """Compute each service level from the counts that agree with the partition's.

    Args:
        levels: Genesys Cloud's service levels by queue and medium.
        theirs: Its other aggregates, whole.
        differing: Cells in which the partition differs from them: what is made of those is not compared.
        refused: Metrics that Genesys Cloud does not give.
    """
    found = ServiceLevels()
    if not {*_NEEDED}.isdisjoint(refused):
        return found
    fits = dict.fromkeys(BASES, 0)
    metrics = {name for parts in BASES.values() for name in parts} | {*_NEEDED}
    for level in levels:
        queue, media = level.group.get("queueId"), level.group.get("mediaType")
        cells = {name: Cell(queue, media, name) for name in metrics}
        if level.numerator is None or media == _NOT_OF or not set(cells.values()).isdisjoint(differing):
            continue
        counts = {name: theirs[cell].count if cell in theirs else 0 for name, cell in cells.items()}
        found.compared += 1
        numerator = counts["tAnswered"] - counts["nOverSla"]
        if numerator != level.numerator:
            found.wrong.append(WrongLevel(cells["tAnswered"], numerator, round(level.numerator)))
        for words, parts in BASES.items():
            fits[words] += sum(sign * counts[name] for name, sign in parts.items()) == level.denominator
    if found.compared:
        found.base = max(fits, key=lambda words: fits[words])
        found.otherwise = found.compared - fits[found.base]
    return found
