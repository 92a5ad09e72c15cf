"""Pages of conversations as bytes: joined from encoded records, compressed, and kept for the next time."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock

from isal import igzip_lib

from genesys_dagster.sandbox.drift import add_unknown_enums, add_unknown_fields, drifts
from genesys_dagster.sandbox.faults import Faults
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.rows import OPEN, Row, decode, encode

_KEPT = 256 * 1024 * 1024  # bytes


class PageCache:
    """Finished pages, the least used forgotten first."""

    def __init__(self, budget: int = _KEPT) -> None:
        self._pages: OrderedDict[Hashable, bytes] = OrderedDict()
        self._budget = budget
        self._used = 0
        self._lock = Lock()

    def get_or_make(self, key: Hashable | None, make: Callable[[], bytes]) -> bytes:
        """The page of a key; made anew if it is not there, never kept without a key."""
        if key is None:
            return make()
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
        page = make()
        with self._lock:
            if key not in self._pages:
                self._pages[key] = page
                self._used += len(page)
            while self._used > self._budget and len(self._pages) > 1:
                self._used -= len(self._pages.popitem(last=False)[1])
        return page


def compress(body: bytes) -> bytes:
    """Gzip, fast rather than small."""
    return igzip_lib.compress(body, level=1, flag=igzip_lib.COMP_GZIP)


def page_key(rows: Sequence[Row], as_of: int, *parts: Hashable) -> Hashable | None:
    """What identifies a page's content; None if a conversation in it is still going on."""
    versions = tuple(row.version(as_of) for row in rows)
    if OPEN in versions:
        return None
    return (tuple(row.conversation_id for row in rows), versions, *parts)


def record_bodies(  # noqa: PLR0913 - keywords
    org: Org, rows: Sequence[Row], as_of: int, faults: Faults, *, attributes: bool, as_entities: bool = False
) -> list[bytes]:
    """The rows' records as JSON bytes, with the faults asked for.

    Args:
        org: Where they come from.
        rows: Which conversations.
        as_of: The moment of knowledge (ms).
        faults: `unknown_fields` and `unknown_enums` are honoured.
        attributes: With participant attributes.
        as_entities: With `id` in place of `conversationId`, as gateways write it.
    """
    bodies = [org.body(row, as_of, attributes=attributes) for row in rows]
    if not (faults.unknown_fields or faults.unknown_enums or as_entities):
        return bodies
    return [
        _changed(body, faults, drift=drifts(row.conversation_id), as_entity=as_entities)
        for row, body in zip(rows, bodies, strict=True)
    ]


def _changed(body: bytes, faults: Faults, *, drift: bool, as_entity: bool) -> bytes:
    if not (drift or as_entity):
        return body
    record = decode(body)
    if drift and faults.unknown_fields:
        add_unknown_fields(record)
    if drift and faults.unknown_enums:
        add_unknown_enums(record)
    if as_entity:
        record["id"] = record.pop("conversationId")
    return encode(record)
