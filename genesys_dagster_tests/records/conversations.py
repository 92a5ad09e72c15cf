"""Conversation detail records for the tests of this room: a plain one, hypothesis strategies, and how rows read back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from genesys_dagster.records.schema import CONVERSATION_SCHEMA


def conversation(
    conversation_id: str = "3b7c1f0e-0000-4000-8000-000000000001", **fields: Any
) -> dict[str, Any]:
    return {"conversationId": conversation_id, "conversationStart": "2026-05-01T08:00:00.000Z"} | fields


def page(*records: Any, key: str = "conversations", **envelope: Any) -> bytes:
    return json.dumps({key: list(records), **envelope}, separators=(",", ":"), ensure_ascii=False).encode()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def as_sent(row: dict[str, Any]) -> dict[str, Any]:
    """The record that a row (without kept-aside values) was made of: absent where the row has nulls."""
    read = _reader(pa.struct([field for field in CONVERSATION_SCHEMA if field.name != "unknownFields"]))
    return read(row)


@cache
def _reader(kind: pa.DataType) -> Callable[[Any], Any] | None:
    """Makes of a value what was sent, None where that is the value itself: made once, as tests compare whole days."""
    if pa.types.is_struct(kind):
        fields = [(field.name, _reader(field.type)) for field in kind]
        return lambda value: {
            name: read(it) if read else it for name, read in fields if (it := value[name]) is not None
        }
    if pa.types.is_map(kind):
        return dict
    if pa.types.is_list(kind) and (read := _reader(kind.value_type)):
        return lambda value: [None if item is None else read(item) for item in value]
    if pa.types.is_timestamp(kind):
        return lambda value: value.isoformat(timespec="milliseconds")[:23] + "Z"
    return None


# Everything but lone surrogates, which JSON can escape and UTF-8 cannot hold.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001 - drawn as UTC
    lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
)
_EXACT = 2**53 - 1
_SCALARS = {
    pa.string(): texts,
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-_EXACT, _EXACT),
    pa.float64(): st.integers(1 - _EXACT, _EXACT)
    | st.floats(-1e9, 1e9).filter(lambda number: str(number) != "-0.0"),
}


def _values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_struct(kind):
        return _objects(list(kind))
    if pa.types.is_map(kind):
        return st.dictionaries(texts, texts, max_size=3)
    if pa.types.is_list(kind):
        return st.lists(_values(kind.value_type), max_size=2)
    if pa.types.is_timestamp(kind):
        return _instants
    return _SCALARS[kind]


def _objects(fields: list[pa.Field]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with a few of the fields: all absent is as likely as several present."""
    pairs = st.sampled_from(fields).flatmap(lambda f: st.tuples(st.just(f.name), _values(f.type)))
    return st.lists(pairs, max_size=4).map(dict)


_BESIDE_ID = [field for field in CONVERSATION_SCHEMA if field.name not in {"conversationId", "unknownFields"}]


def records() -> st.SearchStrategy[dict[str, Any]]:
    """Records with only declared fields and types, in any nesting."""
    return st.builds(lambda key, rest: {"conversationId": key} | rest, texts, _objects(_BESIDE_ID))


_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-_EXACT, _EXACT) | st.floats(-1e9, 1e9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
_added = st.dictionaries(
    # The same few names come back, with values of any type.
    st.sampled_from(["added", "later", "id"])
    | st.text(st.characters(codec="ascii"), max_size=3).map("x{}".format),
    _anything,
    max_size=2,
)


def records_with_additions() -> st.SearchStrategy[dict[str, Any]]:
    """Records with unknown fields at the top, in participants, sessions and flows, and explicit nulls."""
    session = st.builds(
        lambda known, added, flow: known | added | {"flow": flow}, _objects(_session_fields()), _added, _added
    )
    nested = st.builds(lambda added, session: added | {"sessions": [session, {}]}, _added, session)
    null = st.sampled_from([{}, {"externalTag": None}, {"evaluations": None}])
    return st.builds(
        lambda record, added, participants, null: record | added | {"participants": participants} | null,
        records(), _added, st.lists(nested, max_size=2), null,
    )  # fmt: skip


def _session_fields() -> list[pa.Field]:
    participant = CONVERSATION_SCHEMA.field("participants").type.value_type
    return list(participant.field("sessions").type.value_type)
