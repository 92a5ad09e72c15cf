"""Arithmetic with stretches of time: sorted, disjoint `(start, end)` in milliseconds, and values over time."""

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Span = tuple[int, int]


class Piece(NamedTuple, Generic[T]):
    """A value that holds from `start` (ms) to the start of the next piece."""

    start: int
    value: T


def joined(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """The union of spans; those at most `gap` apart become one."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1] + gap:
            union[-1] = union[-1][0], max(end, union[-1][1])
        else:
            union.append((start, end))
    return union


def gaps(spans: list[Span], start: int, end: int) -> Iterator[Span]:
    """What disjoint spans leave free between `start` and `end`."""
    for span in spans:
        if span[0] >= end:
            break
        if span[0] > start:
            yield start, span[0]
        start = max(start, span[1])
    if start < end:
        yield start, end


def merged(pieces: Iterable[Piece[T]]) -> list[Piece[T]]:
    """Pieces without those that last no time or repeat the value before."""
    result: list[Piece[T]] = []
    for piece in pieces:
        if result and result[-1].start == piece.start:
            result.pop()
        if not result or result[-1].value != piece.value:
            result.append(piece)
    return result


def painted(pieces: list[Piece[T]], spans: list[Span], value: T) -> list[Piece[T]]:
    """Pieces in which `value` holds during the disjoint spans, which begin after the first piece does."""
    result: list[Piece[T]] = []
    beneath = 0
    for start, end in spans:
        while beneath < len(pieces) and pieces[beneath].start <= start:
            result.append(pieces[beneath])
            beneath += 1
        result.append(Piece(start, value))
        while beneath < len(pieces) and pieces[beneath].start <= end:
            beneath += 1
        result.append(Piece(end, pieces[beneath - 1].value))
    return merged([*result, *pieces[beneath:]])
