"""A conversation as the org remembers it: its times, and its record as JSON bytes at different ages."""

from bisect import bisect_right
from typing import Any

import msgspec

from genesys_dagster.sandbox.as_of import cut, without_attributes
from genesys_dagster.sandbox.times import iso

OPEN = -1

_encoder = msgspec.json.Encoder(order="sorted")
_decoder: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


def encode(record: dict[str, Any]) -> bytes:
    """JSON with sorted keys, as Genesys Cloud writes records today."""
    return _encoder.encode(record)


def decode(body: bytes) -> dict[str, Any]:
    """The record of JSON bytes."""
    return _decoder.decode(body)


class Row:
    """One conversation.

    Attributes:
        conversation_id: Its id.
        start: When it starts (ms).
        end: When it ends (ms).
        late: When evaluations, surveys and resolutions are added (ms, ascending).
        slot: The quarter hour it belongs to (number since 1970).
        bodies: Encoded records by (version, with attributes).
    """

    __slots__ = ("bodies", "conversation_id", "end", "late", "slot", "start")

    def __init__(self, conversation_id: str, start: int, end: int, late: tuple[int, ...], slot: int) -> None:
        self.conversation_id = conversation_id
        self.start = start
        self.end = end
        self.late = late
        self.slot = slot
        self.bodies: dict[tuple[int, bool], bytes] = {}

    def version(self, as_of: int) -> int:
        """How many late additions are known at `as_of`; `OPEN` while the conversation goes on."""
        return OPEN if as_of < self.end else bisect_right(self.late, as_of)

    def keep(self, record: dict[str, Any]) -> int:
        """Remember the whole record; returns its size in bytes."""
        body = encode(record)
        self.bodies[len(self.late), True] = body
        return len(body)

    def body(self, as_of: int, *, attributes: bool) -> bytes:
        """The record as it stands at `as_of` (ms), encoded; `keep` must have been called."""
        key = (self.version(as_of), attributes)
        found = self.bodies.get(key)
        if found is not None:
            return found
        record = decode(self.bodies[len(self.late), True])
        if key[0] != len(self.late):
            cut(record, iso(as_of))
        if not attributes:
            without_attributes(record)
        body = encode(record)
        if key[0] != OPEN:
            self.bodies[key] = body
        return body
