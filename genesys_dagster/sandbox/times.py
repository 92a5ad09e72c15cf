"""Points in time as the sandbox keeps them: milliseconds since 1970 in UTC, and their API spelling."""

from datetime import UTC, date, datetime, timedelta

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = [f"{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02d}." for second in range(60)]
_MILLISECONDS = [f"{millisecond:03d}Z" for millisecond in range(1_000)]
_DATES: dict[int, str] = {}


def iso(at: int) -> str:
    """Spell a point in time as Genesys Cloud does: `2026-11-20T08:15:30.123Z`.

    Built from tables because a conversation carries about sixty of them: eight times as fast as `strftime`.
    """
    day = at // DAY
    text = _DATES.get(day)
    if text is None:
        text = _DATES[day] = (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT")
    return f"{text}{_CLOCK[at // MINUTE % 1440]}{_SECONDS[at // SECOND % 60]}{_MILLISECONDS[at % SECOND]}"


def from_datetime(at: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime (rounded down)."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(at: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at)


def from_iso(text: str) -> int:
    """Read an ISO-8601 date or date-time; one without an offset is UTC.

    Raises:
        ValueError: The text is no ISO-8601 date-time.
    """
    at = datetime.fromisoformat(text)
    return from_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH.date()).days


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)
