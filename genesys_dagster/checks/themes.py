"""What a check of a partition's content is: a theme that sees all rows, batch by batch, and then has a finding."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

import pyarrow as pa

from genesys_dagster.checks.finding import Finding


@dataclass(frozen=True, slots=True)
class Day:
    """The partition that is looked at.

    Attributes:
        key: Its key.
        start: First instant.
        end: First instant after it.
        known_queues: Returns the ids of the org's queues, None if there is no snapshot yet, none if it says nothing.
    """

    key: str
    start: datetime
    end: datetime
    known_queues: Callable[[], Collection[str] | None]


class Theme(Protocol):
    """Looks at one partition; memory does not grow with the number of rows by more than a few bytes each."""

    leaves: ClassVar[frozenset[str]]
    """What it needs of a record: paths, list levels left out."""

    def see(self, rows: pa.RecordBatch) -> None:
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
        leaves: What its theme needs.
        blocking: Whether downstream assets would be wrong if it fails.
    """

    name: str
    description: str
    make: Callable[[Day], Theme]
    leaves: frozenset[str]
    blocking: bool = False
