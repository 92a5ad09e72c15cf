"""A day of `conversation_details` brought up to date from what `late_activity` found since, without a request."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster.assets.terms import (
    Came,
    is_updatable,
    source_of,
    stored_day,
    terms,
    window_of_stored,
)
from genesys_dagster.extract.commit import Policy
from genesys_dagster.extract.export import ExportReport
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.memory.pulls import LATE_ACTIVITY, Pull, latest_pulls, sweeps_naming
from genesys_dagster.org.org import Org
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.select import Selection
from genesys_dagster.records.update import newest, updated

_STILL_HOLDS = (
    "source",
    "total_hits",
    "duplicates_dropped",
    "outside_window_dropped",
    "unknown_fields",
    "announced_missing",
    "accepted",
)


def update(
    context: dg.AssetExecutionContext,
    org: Org,
    day: str,
    window: Interval,
    stored: StoredVersion | None,
) -> FrameStream | None:
    """The rows that a day has, those in their place in which something happened since it was pulled.

    Args:
        context: Dagster's context of the step.
        org: Whose day it is.
        day: Partition key.
        window: Which conversations belong to the day.
        stored: The day as it is stored.

    Returns:
        The stream; None if the day cannot be updated and has to be pulled whole: it was never pulled, its object is
        gone, of an older version of the schema or cut by other bounds, or the sweeps are not in the lake.
    """
    pull = latest_pulls(context.instance, org, [day]).get(day)
    if pull is None or not is_updatable(stored, window):
        return None
    sweeps = sweeps_naming(context.instance, org, day, pull.active_until)
    found = [stored_day(context, org, sweep, LATE_ACTIVITY) for sweep in sweeps]
    usable = [version for version in found if version is not None and version.has_schema()]
    if len(usable) < len(found):
        return None
    selection = Selection(window.start, window.end)
    newer = newest(_inside(selection, usable))
    ends = [_end_of(version) or org.days.end_of(sweep) for version, sweep in zip(usable, sweeps, strict=True)]
    until = max([pull.active_until, *ends])
    context.log.info("%s: updating %d conversations from %d sweeps", day, newer.num_rows, len(sweeps))
    source = source_of(context.instance, org, day, stored)
    return FrameStream(
        CONVERSATION_SCHEMA,
        (selection.keep(batch) for batch in updated(stored.tables(), newer)),
        metadata=lambda: {
            **_of_the_pull(pull),
            **contents(selection),
            "active_until": dg.MetadataValue.timestamp(until),
            "updated_from": dg.MetadataValue.json(sweeps),
        },
        terms=terms(
            day, window, stored, Policy(), lambda: Came(source, missing=pull.missing), stored_source=source
        ),
    )


def _end_of(sweep: StoredVersion) -> datetime | None:
    """Until when a sweep looked, whatever the time zone has become since."""
    window = window_of_stored(sweep)
    return window.end if window else None


def _of_the_pull(pull: Pull) -> Mapping[str, Any]:
    """What still holds of what the pull said, and that it took nothing to hold it."""
    said = {name: pull.metadata[name] for name in _STILL_HOLDS if name in pull.metadata}
    known_until = dg.MetadataValue.timestamp(pull.known_until)
    return {**said, "known_until": known_until, "pages": 0, "api_requests": 0, "api_retries": 0}


def contents(rows: Selection | ExportReport) -> Mapping[str, Any]:
    """What the refresh plan wants to know of the rows, as metadata."""
    latest_end = rows.latest_end
    return {
        "open_conversations": rows.open_conversations,
        "latest_end": dg.MetadataValue.timestamp(latest_end) if latest_end else dg.MetadataValue.null(),
    }


def _inside(selection: Selection, found: list[StoredVersion]) -> Iterator[pa.Table]:
    for version in found:
        for table in version.tables():
            yield table.filter(selection.is_inside(table["conversationStart"]))
