"""The daily partitions and the time zone in which a day is a day."""

import os
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg

DEFAULT_START = "2026-01-01"
DEFAULT_TIMEZONE = "UTC"


def daily_partitions() -> dg.DailyPartitionsDefinition:
    """One partition per day that is over, from GENESYS_PARTITIONS_START on, in GENESYS_TIMEZONE.

    Raises:
        dagster.DagsterInvalidDefinitionError: one of the two variables cannot be read; the message says which.
    """
    start = os.environ.get("GENESYS_PARTITIONS_START") or DEFAULT_START
    timezone = os.environ.get("GENESYS_TIMEZONE") or DEFAULT_TIMEZONE
    try:
        date.fromisoformat(start)
    except ValueError:
        raise dg.DagsterInvalidDefinitionError(
            f"GENESYS_PARTITIONS_START={start!r} is not a date: write the first day to export as YYYY-MM-DD."
        ) from None
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise dg.DagsterInvalidDefinitionError(
            f"GENESYS_TIMEZONE={timezone!r} is not a time zone: write an IANA name such as Europe/Berlin."
        ) from None
    return dg.DailyPartitionsDefinition(start_date=start, timezone=timezone)
