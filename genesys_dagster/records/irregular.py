"""The careful way for pages that hold something the schema does not expect.

Every value is looked at. What a column cannot hold exactly as it was sent is kept aside, as JSON text with its path,
and the rest of the record goes on as if it had not been there. No record is ever dropped, no day ever fails for a
field that Genesys added.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from genesys_dagster.records.asides import Asides, member_path
from genesys_dagster.records.envelope import is_text, records_of
from genesys_dagster.records.instants import milliseconds
from genesys_dagster.records.wire import RECORD_FIELDS

_INT64 = range(-(2**63), 2**63)

Keep = Callable[[str, Any], None]
"""Called with the path and the value of everything that is kept aside."""
Check = Callable[[Any, str, Keep], Any]
"""Takes a value, its path and `Keep`; returns what the column can hold of it (None: nothing)."""


class Repaired(NamedTuple):
    """A page that the reader can take as it is, and what was kept aside of it."""

    text: bytes
    """The page as JSON, under the same key, with nothing in it that the schema does not declare."""
    asides: Asides


def repair(page: bytes, records_key: str) -> Repaired:
    """Separate what the schema can hold from what it cannot.

    Raises:
        DecodeError: the page is not a JSON object with a list of conversations under `records_key`.
    """
    records, asides = [], Asides()
    for record in records_of(page, records_key):
        aside: dict[str, Any] = {}
        records.append(_CHECK_RECORD(record, "", aside.__setitem__))
        asides.add(aside)
    return Repaired(msgspec.json.encode({records_key: records}), asides)


# ---------------------------------------------------------------------------------------------------------------------
# One check per type of the schema


def _scalar(held: Callable[[Any], Any]) -> Check:
    """A check that keeps the whole value aside where `held` answers None."""

    def check(value: Any, path: str, keep: Keep) -> Any:
        if (result := held(value)) is None:
            keep(path, value)
        return result

    return check


def _text(value: Any) -> Any:
    return value if is_text(value) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _whole_number(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and value in _INT64 else None


def _double(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    is_exact = double == value if isinstance(value, int) else abs(double) != float("inf")
    return double if is_exact else None


def _instant(value: Any, path: str, keep: Keep) -> Any:
    parsed = milliseconds(value) if isinstance(value, str) else None
    if parsed is None or not parsed.is_exact:
        keep(path, value)
    return parsed.value if parsed else None


def _list_of(check_item: Check) -> Check:
    def check(value: Any, path: str, keep: Keep) -> Any:
        if not isinstance(value, list):
            keep(path, value)
            return None
        return [
            None if item is None else check_item(item, f"{path}[{at}]", keep) for at, item in enumerate(value)
        ]

    return check


def _object_of(checks: Mapping[str, Check]) -> Check:
    def check(value: Any, path: str, keep: Keep) -> Any:
        if not isinstance(value, dict):
            keep(path, value)
            return None
        held = {}
        for name, member in value.items():
            check_member = checks.get(name)
            if check_member is None:
                keep(member_path(path, name), member)
            elif member is not None:
                held[name] = check_member(member, f"{path}.{name}" if path else name, keep)
        return held

    return check


def _map_of_text(value: Any, path: str, keep: Keep) -> Any:
    if not isinstance(value, dict):
        keep(path, value)
        return None
    held = {}
    for name, member in value.items():
        if not is_text(name):
            keep(member_path(path, name), member)
        elif member is None or is_text(member):
            held[name] = member
        else:
            held[name] = None
            keep(member_path(path, name), member)
    return held


def _check_for(kind: pa.DataType) -> Check:
    if pa.types.is_struct(kind):
        return _object_of({member.name: _check_for(member.type) for member in kind})
    if pa.types.is_map(kind):
        return _map_of_text
    if pa.types.is_list(kind):
        return _list_of(_check_for(kind.value_type))
    if pa.types.is_timestamp(kind):
        return _instant
    return _scalar(
        {pa.string(): _text, pa.bool_(): _boolean, pa.int64(): _whole_number, pa.float64(): _double}[kind]
    )


_CHECK_RECORD = _check_for(pa.struct(RECORD_FIELDS))
