"""Fields that Genesys added: found by their names alone.

After a Genesys release every record can carry a field that the schema does not know yet. Looking only at names is
several times faster than the careful way, which looks at every value. Whether names were all there was to find is
proven afterwards, by counting (`decode`).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

import pyarrow as pa

from genesys_dagster.records.asides import Asides, member_path
from genesys_dagster.records.envelope import records_of
from genesys_dagster.records.tokens import scan
from genesys_dagster.records.wire import RECORD_FIELDS


class Additions(NamedTuple):
    """What pages hold besides what their rows hold."""

    asides: Asides
    strings: int
    """Strings of the added fields and of explicit nulls, keys included."""

    @classmethod
    def of(cls, asides: Asides, nulls: int = 0) -> Self:
        """What was kept aside, and how many explicit nulls were seen."""
        texts = ",".join(text for text in asides.texts if text)
        return cls(asides, nulls + scan(texts.encode()).strings)


NOTHING_ADDED = Additions(Asides(), 0)
Find = Callable[[Any, str, dict[str, Any]], int]
"""Takes a value, its path and where to put what is unknown; returns how many known names have an explicit null."""


def find_additions(page: bytes, records_key: str) -> Additions:
    """The fields of a page's records that the schema does not know.

    Raises:
        DoubtError: only the careful way can tell.
        DecodeError: the page is not a page of conversations.
    """
    asides, nulls = Asides(), 0
    for record in records_of(page, records_key):
        aside: dict[str, Any] = {}
        nulls += _FIND_IN_RECORD(record, "", aside)
        asides.add(aside)
    return Additions.of(asides, nulls)


def _in_object(nested: Mapping[str, Find], known: frozenset[str]) -> Find:
    def find(value: Any, path: str, aside: dict[str, Any]) -> int:
        if not isinstance(value, dict):
            return 0
        if not value.keys() <= known:
            aside.update((member_path(path, name), value[name]) for name in value if name not in known)
        nulls = sum(value[name] is None for name in value if name in known) if None in value.values() else 0
        for name, find_in_member in nested.items():
            member = value.get(name)
            if member:
                nulls += find_in_member(member, f"{path}.{name}" if path else name, aside)
        return nulls

    return find


def _in_list(find_in_item: Find) -> Find:
    def find(value: Any, path: str, aside: dict[str, Any]) -> int:
        if not isinstance(value, list):
            return 0
        return sum(find_in_item(item, f"{path}[{at}]", aside) for at, item in enumerate(value))

    return find


def _find_in(kind: pa.DataType) -> Find | None:
    if pa.types.is_struct(kind):
        nested = {member.name: find for member in kind if (find := _find_in(member.type))}
        return _in_object(nested, frozenset(member.name for member in kind))
    if pa.types.is_list(kind):
        find_in_item = _find_in(kind.value_type)
        return _in_list(find_in_item) if find_in_item else None
    return None


_FIND_IN_RECORD: Find = _find_in(pa.struct(RECORD_FIELDS))  # type: ignore[assignment]
