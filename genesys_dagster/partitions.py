"""The daily partitions, the time zone in which a day is a day, and how many days one run of a backfill takes."""

import os
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg

DEFAULT_START = "2026-01-01"
DEFAULT_TIMEZONE = "UTC"
DAYS_PER_RUN = "GENESYS_DAYS_PER_RUN"


def daily_partitions() -> dg.DailyPartitionsDefinition:
    """One partition per day that is over, from GENESYS_PARTITIONS_START on, in GENESYS_TIMEZONE.

    Raises:
        dagster.DagsterInvalidDefinitionError: one of the two variables cannot be read; the message says which.
    """
    start = os.environ.get("GENESYS_PARTITIONS_START") or DEFAULT_START
    timezone = os.environ.get("GENESYS_TIMEZONE") or DEFAULT_TIMEZONE
    try:
        first = date.fromisoformat(start)
    except ValueError:
        raise dg.DagsterInvalidDefinitionError(
            f"GENESYS_PARTITIONS_START={start!r} is not a date: write the first day to export as YYYY-MM-DD."
        ) from None
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # America is a folder
        raise dg.DagsterInvalidDefinitionError(
            f"GENESYS_TIMEZONE={timezone!r} is not a time zone: write an IANA name such as Europe/Berlin."
        ) from None
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone=timezone)


def backfill_policy() -> dg.BackfillPolicy | None:
    """How many days one run of a backfill takes, by GENESYS_DAYS_PER_RUN: a number, or `all` of a range.

    Returns:
        None for one, Dagster's default.

    Raises:
        dagster.DagsterInvalidDefinitionError: the variable cannot be read.
    """
    text = os.environ.get(DAYS_PER_RUN) or "1"
    if text.lower() == "all":
        return dg.BackfillPolicy.single_run()
    if not text.isdecimal() or int(text) < 1:
        raise dg.DagsterInvalidDefinitionError(
            f"{DAYS_PER_RUN}={text!r} cannot be read: write how many days one run of a backfill takes, such as 7, or all."
        )
    return None if int(text) == 1 else dg.BackfillPolicy.multi_run(max_partitions_per_run=int(text))
