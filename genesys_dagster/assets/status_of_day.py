"""A day of agents' time, as a step of `user_status` brings it: pulled, or brought up to date from later days."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.assets.failures import as_failure
from genesys_dagster.assets.kept import kept
from genesys_dagster.assets.terms import Came, Rows, is_updatable, stored_day, terms, window_of_ended
from genesys_dagster.assets.user_status import LATE, TABLES, StatusConfig
from genesys_dagster.extract.commit import Policy
from genesys_dagster.extract.user_status import UserStatus
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import Later
from genesys_dagster.lake.stored import StoredVersion
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.memory.pulls import sweeps_naming
from genesys_dagster.org.org import Org
from genesys_dagster.records.model.user_status import KEY, Kind
from genesys_dagster.records.user_status import (
    PERIODS,
    as_periods,
    began_in,
    counted,
    distinct,
    of_kind,
)
from genesys_dagster.resources import GenesysResource

_UNKNOWN_FIELDS_SHOWN = 50
_ROWS = Rows("periods", KEY, "start_time")
# Whether what goes on after the day is told with every day is not documented; what ended on it is.
_LATE_ROWS = Rows("periods", ("kind", *KEY), "end_time", without=False)


class Streams:
    """The tables of several days, each day read once: Dagster writes one asset after the other, with all its days."""

    def __init__(self, pulled: Callable[[str], Mapping[str, FrameStream]], folder: Path) -> None:
        self._pulled = pulled
        self._folder = folder
        self._waiting: dict[tuple[str, str], FrameStream] = {}

    def of(self, day: str, name: str) -> FrameStream:
        """The rows of a day's table."""
        if (day, name) not in self._waiting:
            for each, stream in self._pulled(day).items():
                self._waiting[day, each] = kept(stream, self._folder / f"{each} {day}")
        return self._waiting.pop((day, name))


def pulled(  # noqa: PLR0913 - what a pull needs
    context: dg.AssetExecutionContext,
    org: Org,
    day: str,
    wanted: Sequence[str],
    config: StatusConfig,
    *,
    next_days: Sequence[str] = (),
) -> dict[str, FrameStream]:
    """The rows that Genesys Cloud has of a day."""
    genesys: GenesysResource = getattr(context.resources, org.genesys)
    ledger = partial(InstanceLedger, context.instance, org, context.run.run_id, kind="user_status")
    window = window_of_ended(org, day)
    stored = _stored(context, org, day, wanted)
    with as_failure():
        policy = genesys.commit_policy(accept_loss=config.accept_loss)
        ahead = [Later(each, ledger(each)) for each in map(org.days.window, next_days)]
        found = genesys.user_status(window, ledger(window), ahead)
    context.log.info(
        "%s: %d periods of %d users began, %d went on, %d pages from the %s",
        day,
        len(found.began),
        found.users,
        len(found.late),
        found.pages,
        found.source,
    )
    later = _later(context, org, day, window)
    periods = None if later is None else later.periods

    def stream(name: str) -> FrameStream:
        kind = TABLES[name].kind
        rows = _with_known_ends(found.began, kind, stored[name], periods) if kind else found.late
        said = {**_metadata(found), **_contents(org, name, rows)}
        return _stream(name, day, window, rows, said, stored=stored[name], policy=policy, source=found.source)

    return {name: stream(name) for name in wanted}


def _with_known_ends(
    began: pa.Table, kind: Kind, stored: StoredVersion | None, later: pa.Table | None
) -> pa.Table:
    """What came; an end that was known before is not forgotten for an open copy."""
    rows = began.filter(pc.equal(began["kind"], kind))
    known = [] if later is None else [later.filter(pc.equal(later["kind"], kind))]
    if stored is not None and stored.has_schema():
        known.append(as_periods(stored.tables(), kind))
    if known and rows["end_time"].null_count:
        before = pa.concat_tables(known)
        ended = before.filter(pc.is_valid(before["end_time"]))
        rows = distinct(rows, ended, keep_older=False).rows
    return of_kind(rows, kind)


class _Later(NamedTuple):
    """What later days have brought for a day.

    Attributes:
        days: Which.
        periods: Those that began on the day.
        until: What happened before this instant is in them.
    """

    days: list[str]
    periods: pa.Table
    until: datetime


def _later(context: dg.AssetExecutionContext, org: Org, day: str, window: Interval) -> _Later | None:
    """None if it is not in the lake as it should be."""
    days = sweeps_naming(context.instance, org, day, org.days.end_of(day), LATE)
    found = [stored_day(context, org, each, LATE, TABLES[LATE].columns) for each in days]
    usable = [version for version in found if version is not None and version.has_schema()]
    if len(usable) < len(found):
        return None
    pieces = [table for version in usable for table in version.tables()]
    rows = pa.concat_tables([PERIODS.empty_table(), *pieces])
    until = max(map(org.days.end_of, days), default=org.days.end_of(day))
    return _Later(days, rows.filter(began_in(rows, window.start, window.end)), until)


def updated(
    context: dg.AssetExecutionContext, org: Org, day: str, wanted: Sequence[str]
) -> dict[str, FrameStream] | None:
    """The stored rows of a day with the ends that later days have brought; None if it has to be pulled."""
    names = [name for name in wanted if TABLES[name].kind]
    window = window_of_ended(org, day)
    stored = _stored(context, org, day, names)
    later = _later(context, org, day, window)
    if not names or later is None or not all(is_updatable(v, window) for v in stored.values()):
        return None
    context.log.info("%s: putting in %d periods from %d later days", day, len(later.periods), len(later.days))
    said = {
        "pages": 0,
        "api_requests": 0,
        "api_retries": 0,
        "active_until": dg.MetadataValue.timestamp(later.until),
        "updated_from": dg.MetadataValue.json(later.days),
    }

    def stream(name: str) -> FrameStream:
        kind, version = TABLES[name].kind, stored[name]
        assert kind is not None and version is not None  # noqa: S101, PT018 - looked at above
        newer = later.periods.filter(pc.equal(later.periods["kind"], kind))
        rows = of_kind(distinct(newer, as_periods(version.tables(), kind)).rows, kind)
        return _stream(name, day, window, rows, {**said, **_contents(org, name, rows)}, stored=version)

    return {name: stream(name) for name in names}


def _stored(
    context: dg.AssetExecutionContext, org: Org, day: str, names: Sequence[str]
) -> dict[str, StoredVersion | None]:
    return {name: stored_day(context, org, day, name, TABLES[name].columns) for name in names}


def _stream(  # noqa: PLR0913 - what a commit needs
    name: str,
    day: str,
    window: Interval,
    rows: pa.Table,
    said: Mapping[str, Any],
    *,
    stored: StoredVersion | None,
    policy: Policy | None = None,
    source: str | None = None,
) -> FrameStream:
    on_terms = terms(
        day,
        window,
        stored,
        policy or Policy(),
        lambda: Came(source),
        rows=_ROWS if TABLES[name].kind else _LATE_ROWS,
    )
    return FrameStream(TABLES[name].columns.schema, rows.to_batches(), lambda: said, on_terms)


def _metadata(found: UserStatus) -> Mapping[str, Any]:
    unknown = dict(found.unknown_fields.most_common(_UNKNOWN_FIELDS_SHOWN))
    return {
        "source": found.source,
        "pages": found.pages,
        "api_requests": found.api_requests,
        "api_retries": found.api_retries,
        "users": found.users,
        "duplicates_dropped": found.duplicates_dropped,
        "contradictory_dropped": found.contradictory,
        "outside_window_dropped": found.outside_window_dropped,
        "known_until": dg.MetadataValue.timestamp(found.known_until),
        "unknown_fields": dg.MetadataValue.json(unknown),
    }


def _contents(org: Org, name: str, rows: pa.Table) -> Mapping[str, Any]:
    named = {"days": dg.MetadataValue.json(days_found(org, rows))} if name == LATE else {}
    return {"open_periods": rows["end_time"].null_count, **named}


def days_found(org: Org, rows: pa.Table) -> Mapping[str, int]:
    """The partitions into which ends are to be put, and how many."""
    first = pa.scalar(org.days.start_of(org.days.first), rows["start_time"].type)
    return counted(
        rows.filter(pc.fill_null(pc.greater_equal(rows["start_time"], first), False)), org.days.day_of
    )
