"""How long an answer asks to wait, whatever its headers hold: never less than nothing, never more than a day."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

WINDOW = 60.0  # s; limits are per minute (Genesys developer docs, "Rate limits")
DEFAULT_PAUSE = WINDOW  # after a 429 that says nothing
LONGEST = 24 * 3600.0  # s; whoever asks for more is asked again after a day
# s; some limits count by the second and say so in their name, such as `details.jobs.rate.per.second` (organization
# limits, namespace `analytics`).
_PAUSE_PER_SECOND = 1.0
_FARTHEST_RESET = 2 * WINDOW  # s; a window is a minute, and clocks differ

# Message text of a 429 (Genesys developer docs, "Rate limits"); some services write the number in brackets.
_RETRY_IN = re.compile(r"retry the request in \[?([0-9]+(?:\.[0-9]+)?)\]? seconds", re.IGNORECASE)


def pause_after_429(
    headers: Mapping[str, str], message: str | None, now: datetime, limit_key: str | None = None
) -> float:
    """Read how long a 429 asks to wait.

    Args:
        headers: Response headers.
        message: `message` of the error body.
        now: The current instant, aware.
        limit_key: Key of the limit in the error body.

    Returns:
        Seconds from 0 to a day: by `Retry-After`, else by the message, else the limit's own window or one minute.
    """
    told = retry_after(headers, now)
    if told is not None:
        return told
    said = _RETRY_IN.search(message or "")
    if said:
        return min(LONGEST, float(said.group(1)))
    return _PAUSE_PER_SECOND if (limit_key or "").endswith(".per.second") else DEFAULT_PAUSE


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`, which is a number of seconds or an HTTP date (RFC 9110, 10.2.3).

    Returns:
        Seconds from 0 to a day, or None if the header is missing or unreadable.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(LONGEST, float(value))
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=now.tzinfo)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):  # what that parser raises on odd texts
        return None
    return min(LONGEST, max(0.0, seconds))


def window_left(headers: Mapping[str, str], now: datetime) -> float:
    """Read `inin-ratelimit-reset`: seconds to the end of the server's window.

    The documented value is a number of seconds (Genesys developer blog, "SDK configuration and logging",
    2021-05-06). Other APIs write the instant in epoch seconds under such a name, and gateways imitate both.

    Returns:
        Seconds from 0 to two windows; one window if the header is missing or makes no sense.
    """
    value = whole_number(headers.get("inin-ratelimit-reset"))
    if value is None:
        return WINDOW
    for seconds in (float(value), value - now.timestamp()):
        if 0 <= seconds <= _FARTHEST_RESET:
            return seconds
    return WINDOW


def whole_number(text: str | None) -> int | None:
    """Read a header that holds a count; None if it does not."""
    value = (text or "").strip()
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None
