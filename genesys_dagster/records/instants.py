"""ISO 8601 instants as Genesys writes them, and as others do: any number of fractional digits, any offset."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_FRACTION = re.compile(r"[.,](\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Milliseconds(NamedTuple):
    """Milliseconds since the epoch, and whether the text held no finer part."""

    value: int
    is_exact: bool


def milliseconds(text: str) -> Milliseconds | None:
    """Read an instant; one without an offset is in UTC, digits beyond milliseconds are cut. None: not an instant."""
    fraction = _FRACTION.search(text)
    digits = fraction[1] if fraction else ""
    whole = text.replace(fraction[0], "", 1) if fraction else text
    try:
        moment = datetime.fromisoformat(whole.upper())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - _EPOCH) // _MILLISECOND
    return Milliseconds(seconds + int(digits[:3].ljust(3, "0")), not digits[3:].strip("0"))
