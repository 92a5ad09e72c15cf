"""Numbers as people read them. What is unknown is a dash."""

from datetime import date

UNKNOWN = "\u2013"  # an en dash


def whole(value: float | None) -> str:
    """A count, such as 12,345."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share of 1, such as 81.3 %."""
    return UNKNOWN if share is None else f"{100 * share:.1f} %"


def duration(seconds: float | None) -> str:
    """A time, such as 4:07 (minutes and seconds) or 26:00:05."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def target(seconds: float) -> str:
    """A target, such as 20 s, 5 min or 24 h."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s"


def day(value: date) -> str:
    """A day, such as Tue 12 May 2026."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """A day without its year, such as 12 May."""
    return f"{value.day} {value:%b}"
