"""What came of one cell of a matrix, and the counts of many."""

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    RECOVERED = "recovered"
    FAILED = "failed cleanly"
    FOUND = "found out"
    WRONG = "wrong"


@dataclass(frozen=True)
class Verdict:
    """What came of one cell.

    Attributes:
        cell: Its name.
        fault: The kind of fault.
        place: Where it struck.
        injected: How often.
        why: What was said, or what is wrong.
    """

    cell: str
    fault: str
    place: str
    outcome: Outcome
    injected: int
    why: str = ""
