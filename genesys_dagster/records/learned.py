"""Fields that Genesys added and that were seen before: read where they stand, and nothing else of a page.

After a Genesys release every record can carry a field that the schema does not know yet. Once a page has told which
fields and where (`additions`, `irregular`), later pages are looked at there alone: a decoder made for these places
skips the rest of the text. Whether they were all there was to find is proven afterwards, by counting (`decode`).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from types import GenericAlias
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import UNSET, UnsetType

from genesys_dagster.records.additions import NOTHING_ADDED, Additions
from genesys_dagster.records.asides import Asides
from genesys_dagster.records.errors import DoubtError
from genesys_dagster.records.wire import RECORD_FIELDS

# An object keyed by ids would be learned without end.
_MOST = 200
_PATH = re.compile(r"(?:(.*)\.)?([^\W\d]\w*)")  # other names are written in brackets (`asides.member_path`)
_RECORD = pa.struct(RECORD_FIELDS)

_Tree = dict[str, Any]
"""Name to the tree below it; to None where the value is what was added."""
_Find = Callable[[Any, str, dict[str, Any]], None]
"""Takes what the decoder made of a value, and its path; adds path and value of what was added below it."""


class Learned:
    """The places of added fields, as far as pages before have told. For one thread at a time."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._tree: _Tree = {}
        self._looks: dict[str, _Look] = {}

    def learn(self, unknown_fields: Iterable[str]) -> None:
        """Remember the places of fields, given by their paths without positions.

        Only those whose name the schema does not know there: what is declared and misfits is read in part by the
        native reader, and counted twice it would prove nothing. `id` is declared in the gateways' dialect (`wire`).
        """
        for path in unknown_fields:
            if path == "id" or path in self._paths or len(self._paths) >= _MOST:
                continue
            if (match := _PATH.fullmatch(path)) and _grow(self._tree, _RECORD, match[1], match[2]):
                self._paths.add(path)
                self._looks = {}

    def additions(self, pages: Sequence[bytes], records_key: str) -> Additions:
        """What stands at these places in some pages.

        Raises:
            DoubtError: A page cannot be read this way.
        """
        if not self._tree:
            return NOTHING_ADDED
        if records_key not in self._looks:
            self._looks[records_key] = _look(self._tree, records_key)
        look, asides = self._looks[records_key], Asides()
        for page in pages:
            for record in look.records(page):
                aside: dict[str, Any] = {}
                look.find(record, "", aside)
                asides.add(aside)
        return Additions.of(asides)


def _grow(tree: _Tree, kind: pa.DataType, parent: str | None, name: str) -> bool:
    """Add a place to the tree, if its parent is an object of the schema that has no such name."""
    for step in parent.split(".") if parent else ():
        known = step.removesuffix("[]")
        at = kind.get_field_index(known) if pa.types.is_struct(kind) else -1
        if at < 0:
            return False
        kind, tree = kind.field(at).type, tree.setdefault(known, {})
        if pa.types.is_list(kind):
            kind = kind.value_type
    if not pa.types.is_struct(kind) or kind.get_field_index(name) >= 0:
        return False
    tree[name] = None
    return True


# ---------------------------------------------------------------------------------------------------------------------
# A decoder for the places, and what to do with what it makes


class _Look(NamedTuple):
    decoder: msgspec.json.Decoder[Any]
    find: _Find

    def records(self, page: bytes) -> Sequence[Any]:
        try:
            return self.decoder.decode(page).records or ()
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            raise DoubtError from None


def _look(tree: _Tree, records_key: str) -> _Look:
    record, find = _object(tree, _RECORD)
    envelope = msgspec.defstruct(
        "Envelope", [("records", _list_of(record) | None, None)], rename={"records": records_key}
    )
    return _Look(msgspec.json.Decoder(envelope, float_hook=Decimal), find)


def _object(tree: _Tree, kind: pa.DataType) -> tuple[Any, _Find]:
    """The type that holds the places below an object, and how to find them in it."""
    fields, added, nested = [], [], []
    for number, (name, below) in enumerate(tree.items()):
        attribute = f"_{number}"
        if below is None:
            inner = Any
            added.append((attribute, name))
        else:
            inner, find_below = _nested(below, kind.field(name).type)
            nested.append((attribute, name, find_below))
        fields.append((attribute, inner, UNSET))

    def find(value: Any, path: str, aside: dict[str, Any]) -> None:
        before = f"{path}." if path else ""
        for attribute, name in added:
            if (it := getattr(value, attribute)) is not UNSET:
                aside[before + name] = it
        for attribute, name, find_below in nested:
            if it := getattr(value, attribute):
                find_below(it, before + name, aside)

    rename = {f"_{number}": name for number, name in enumerate(tree)}
    return msgspec.defstruct("Object", fields, rename=rename, gc=False), find


def _nested(tree: _Tree, kind: pa.DataType) -> tuple[Any, _Find]:
    if not pa.types.is_list(kind):
        inner, find = _object(tree, kind)
        return inner | None | UnsetType, find
    inner, find_in_item = _object(tree, kind.value_type)

    def find_in_list(items: Any, path: str, aside: dict[str, Any]) -> None:
        for at, item in enumerate(items):
            if item is not None:
                find_in_item(item, f"{path}[{at}]", aside)

    return _list_of(inner | None) | None | UnsetType, find_in_list


def _list_of(item: Any) -> Any:
    return GenericAlias(list, item)
