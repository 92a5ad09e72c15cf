"""What a check of a partition's content is: a theme that sees all rows, batch by batch, and then has a finding."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from genesys_dagster.checks.finding import Finding
from genesys_dagster.checks.leaves import Rows


@dataclass(frozen=True, slots=True)
class Day:
    """The partition that is looked at.

    Attributes:
        key: Its key.
        start: First instant.
        end: First instant after it.
        known: Returns the ids in a reference asset, None if there is no snapshot yet, none if it says nothing.
    """

    key: str
    start: datetime
    end: datetime
    known: Callable[[str], Collection[str] | None]


@dataclass(frozen=True, slots=True)
class Records:
    """What the rows of an asset are, and the columns that all of them have.

    Attributes:
        noun: What they are called, in the plural.
        key: What tells whose or which one it is.
        start: When it began.
        end: When it ended.
        unknown_fields: What the other columns do not hold.
    """

    noun: str
    key: str
    start: str
    end: str
    unknown_fields: str


CONVERSATIONS = Records(
    "conversations", "conversationId", "conversationStart", "conversationEnd", "unknownFields"
)


class Theme(Protocol):
    """Looks at one partition; memory does not grow with the number of rows by more than a few bytes each."""

    def see(self, rows: Rows) -> None:
        """Look at some rows."""

    def finding(self) -> Finding:
        """Say what was found in all rows seen."""


@dataclass(frozen=True, slots=True)
class ThemeCheck:
    """A theme as an asset check.

    Attributes:
        name: Name of the check.
        description: What must hold, and why.
        make: Makes the theme for a partition.
        leaves: What its theme needs of a record: paths, list levels left out.
        blocking: Whether downstream assets would be wrong if it fails.
        names: Whether its finding asks for names in reference assets.
    """

    name: str
    description: str
    make: Callable[[Day], Theme]
    leaves: frozenset[str]
    blocking: bool = False
    names: bool = False
