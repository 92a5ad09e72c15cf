"""A day moved to an earlier one: the same conversations, every instant a number of days earlier."""

from datetime import date, timedelta
from functools import cache

from benchmarks.data import AVAILABLE_UNTIL, DAY


def moved(body: bytes, to: date) -> bytes:
    """A page of `DAY`, plain, as one of that day, which must not be later."""
    for before, after in _dates(to):
        body = body.replace(before, after)
    return body


@cache
def _dates(to: date) -> tuple[tuple[bytes, bytes], ...]:
    # From the first on: what was replaced is earlier than whatever is still to be.
    days = [DAY + timedelta(days=number) for number in range((AVAILABLE_UNTIL.date() - DAY).days)]
    return tuple((_text(day), _text(day + (to - DAY))) for day in days)


def _text(day: date) -> bytes:
    return f'"{day:%Y-%m-%d}T'.encode()
