"""Pages of user details as rows of periods of presence and routing status, and what is done with such rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.records.asides import Asides
from genesys_dagster.records.envelope import is_text, objects_of
from genesys_dagster.records.errors import DecodeError
from genesys_dagster.records.instants import milliseconds
from genesys_dagster.records.model import user_status as model
from genesys_dagster.records.model.user_status import Kind

USER_PRESENCE: pa.Schema = model.USER_PRESENCE.schema
USER_ROUTING_STATUS: pa.Schema = model.USER_ROUTING_STATUS.schema
PERIODS: pa.Schema = model.PERIODS.schema

_LISTS: Mapping[str, tuple[Kind, str]] = {
    "primaryPresence": ("presence", "systemPresence"),
    "routingStatus": ("routing_status", "routingStatus"),
}
_COLUMNS: Mapping[str, str] = {
    "startTime": "start_time",
    "endTime": "end_time",
    "systemPresence": "system_presence",
    "organizationPresenceId": "organization_presence_id",
    "routingStatus": "routing_status",
}
_NAMES: Mapping[Kind, frozenset[str]] = {
    "presence": frozenset({"startTime", "endTime", "systemPresence", "organizationPresenceId"}),
    "routing_status": frozenset({"startTime", "endTime", "routingStatus"}),
}
_USER_FIELDS = frozenset({"userId", *_LISTS})


class Periods(NamedTuple):
    """Periods of some pages.

    Attributes:
        rows: `PERIODS`, in the order of the pages.
        unknown_fields: Path to how often a value was kept aside.
    """

    rows: pa.Table
    unknown_fields: Mapping[str, int]


def read_periods(page: bytes, records_key: str = "userDetails") -> Periods:
    """Turn a page of user details into rows.

    A page has some hundreds of periods to a thousand: each is looked at, value by value.

    Args:
        page: Response body; without the key, or with null there, it is an empty page.
        records_key: Where the users stand.

    Raises:
        DecodeError: It is no such page, or a user in it has no id.
    """
    rows: list[dict[str, Any]] = []
    asides = Asides()
    for user in objects_of(page, records_key, "users"):
        _add_user(user, rows, asides)
    table = pa.Table.from_pylist(rows, schema=PERIODS)
    if any(asides.texts):
        at = PERIODS.get_field_index(model.UNKNOWN_FIELDS.name)
        table = table.set_column(at, PERIODS.field(at), pa.array(asides.texts, pa.string()))
    return Periods(table, asides.paths)


def _add_user(user: Mapping[str, Any], rows: list[dict[str, Any]], asides: Asides) -> None:
    identity = user.get("userId")
    if not identity or not is_text(identity):
        raise DecodeError("A page of user details holds a user without userId.")
    aside: dict[str, Any] = {
        f"userDetail.{name}": value for name, value in user.items() if name not in _USER_FIELDS
    }
    for name, (kind, _) in _LISTS.items():
        periods = user.get(name)
        if periods is not None and not isinstance(periods, list):
            aside[f"userDetail.{name}"] = periods
            continue
        for period in periods or ():
            row: dict[str, Any] = {"kind": kind, "user_id": identity}
            _read_period(kind, name, period, row, aside)
            rows.append(row)
            asides.add(aside)
            aside = {}
    if aside:  # a user without any period
        asides.paths.update(aside.keys())


def _read_period(kind: Kind, name: str, period: Any, row: dict[str, Any], aside: dict[str, Any]) -> None:
    if not isinstance(period, dict):
        aside[name] = period
        return
    for field, value in period.items():
        if value is None and field in _NAMES[kind]:
            continue
        held = _held(field, value) if field in _NAMES[kind] else None
        if held is None:
            aside[field] = value
        else:
            row[_COLUMNS[field]] = held


def _held(field: str, value: Any) -> Any:
    """The value as its column can hold it; None if that is not exactly what was sent."""
    if not is_text(value):
        return None
    if not field.endswith("Time"):
        return value
    instant = milliseconds(value)
    return instant.value if instant and instant.is_exact else None


class Distinct(NamedTuple):
    """Periods, each once.

    Attributes:
        rows: In order of their start, then of their user.
        dropped: How many others there were.
        contradictory: How many of those had another status.
    """

    rows: pa.Table
    dropped: int
    contradictory: int


def distinct(rows: pa.Table, older: pa.Table | None = None, *, keep_older: bool = True) -> Distinct:
    """Keep each period once: the closed copy rather than the open one, the newer of those, the later end.

    The same start can come once open and once closed in one answer; of those production pipelines keep the closed one,
    and of several ends the latest.

    Args:
        rows: Of `PERIODS`.
        older: What was known before: an end in it is not forgotten for an open copy in `rows`.
        keep_older: Whether periods that only `older` has are kept.
    """
    count = rows.num_rows
    both = pa.concat_tables([rows, older]) if older is not None else rows
    both = both.combine_chunks()
    if not both.num_rows:
        return Distinct(both, 0, 0)
    kinds, users = (_codes(both[name]) for name in ("kind", "user_id"))
    starts = _numbers(both["start_time"])
    ends = _numbers(both["end_time"])
    is_open = np.asarray(pc.is_null(both["end_time"]))
    is_older = np.arange(both.num_rows) >= count
    order = np.lexsort((-ends, is_older, is_open, starts, users, kinds))
    keys = [column[order] for column in (kinds, users, starts)]
    is_first = np.ones(len(order), bool)
    is_first[1:] = np.any([column[1:] != column[:-1] for column in keys], axis=0)
    # Without a start nothing tells periods apart: all are kept.
    is_first |= np.asarray(pc.is_null(both["start_time"]))[order]
    first = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    others = ~is_first & ~is_older[order]
    statuses = _codes(_status(both))[order]
    contradictory = others & (statuses != statuses[first])
    if not keep_older:
        group = np.cumsum(is_first) - 1
        has_come = np.bincount(group, weights=~is_older[order]) > 0
        is_first &= has_come[group]
    kept = both.take(pa.array(order[is_first])).sort_by(
        [("start_time", "ascending"), ("user_id", "ascending"), ("kind", "ascending")]
    )
    return Distinct(kept, int(others.sum()), int(contradictory.sum()))


def of_kind(rows: pa.Table, kind: Kind) -> pa.Table:
    """The periods of one kind, with the columns of its table."""
    schema = USER_PRESENCE if kind == "presence" else USER_ROUTING_STATUS
    return rows.filter(pc.equal(rows["kind"], kind)).select(schema.names).cast(schema)


def as_periods(tables: Iterable[pa.Table], kind: Kind) -> pa.Table:
    """Rows of a kind's table as rows of `PERIODS`."""
    schema = USER_PRESENCE if kind == "presence" else USER_ROUTING_STATUS
    rows = pa.concat_tables([schema.empty_table(), *tables])
    columns = [
        pa.repeat(kind, rows.num_rows)
        if field.name == "kind"
        else rows[field.name]
        if field.name in schema.names
        else pa.nulls(rows.num_rows, field.type)
        for field in PERIODS
    ]
    return pa.table(columns, schema=PERIODS)


def began_in(rows: pa.Table, start: Any, end: Any) -> pa.ChunkedArray:
    """Tell of each period whether it began from `start` to before `end`; one without a start counts as such."""
    starts = rows["start_time"]
    begin, limit = (pa.scalar(moment, starts.type) for moment in (start, end))
    return pc.fill_null(pc.and_(pc.greater_equal(starts, begin), pc.less(starts, limit)), True)


def began_before(rows: pa.Table, start: Any) -> pa.ChunkedArray:
    """Tell of each period whether it began before an instant and was not over by then."""
    moment = pa.scalar(start, rows["start_time"].type)
    lasts = pc.fill_null(pc.greater_equal(rows["end_time"], moment), True)
    return pc.and_(pc.fill_null(pc.less(rows["start_time"], moment), False), lasts)


def counted(rows: pa.Table, day_of: Any) -> Mapping[str, int]:
    """How many of the periods that have ended began on each day."""
    ended = rows.filter(pc.and_(pc.is_valid(rows["end_time"]), pc.is_valid(rows["start_time"])))
    return dict(sorted(Counter(map(day_of, ended["start_time"].to_pylist())).items()))


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(pc.fill_null(encoded.indices, -1))


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), -1))


def _status(rows: pa.Table) -> pa.ChunkedArray:
    return pc.coalesce(rows["system_presence"], rows["routing_status"])
