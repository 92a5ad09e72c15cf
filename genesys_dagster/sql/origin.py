"""One value upstream, as a statement names it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias


class OriginError(ValueError):
    """A statement cannot be read, or names a column that its sources do not have."""


@dataclass(frozen=True, order=True)
class Origin:
    """A value upstream.

    Attributes:
        table: Name of the upstream table.
        path: Column, then the members of structs down to the value. Lists are transparent:
            `participants.sessions.metrics.name` is the name of each metric of each session.
        structural: Whether only its being there counts (or how many there are), not what it is.
    """

    table: str
    path: tuple[str, ...]
    structural: bool = False


Found: TypeAlias = frozenset[Origin]


def as_structural(found: Found) -> Found:
    """The same origins where only presence or number counts."""
    return frozenset(replace(origin, structural=True) for origin in found)


def union(parts: Iterable[Found]) -> Found:
    """All origins of several parts."""
    return frozenset(itertools.chain.from_iterable(parts))
