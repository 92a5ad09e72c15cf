"""A conversation as the org remembers it: its times, and its record as JSON bytes at different ages."""

from bisect import bisect_right
from typing import Any

import msgspec

from genesys_dagster.sandbox.as_of import cut, without_attributes
from genesys_dagster.sandbox.reprocessing import reprocess
from genesys_dagster.sandbox.times import iso

OPEN = -1
_BEFORE_REPROCESSING = -2
_COUNTED_IN = -3, False

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
        late: When evaluations, surveys and resolutions are added, and when it is reprocessed (ms, ascending).
        slot: The quarter hour it belongs to (number since 1970).
        reprocessed: The last of these (ms), None if it never is.
        bodies: Encoded records by (version, with attributes).
    """

    __slots__ = ("_counted_in", "bodies", "conversation_id", "end", "late", "reprocessed", "slot", "start")

    def __init__(  # noqa: PLR0913 - set once, by the org
        self,
        conversation_id: str,
        start: int,
        end: int,
        late: tuple[int, ...],
        slot: int,
        *,
        reprocessed: int | None = None,
        counted_in: dict[str, Any],
    ) -> None:
        self.conversation_id = conversation_id
        self.start = start
        self.end = end
        self.late = late
        self.reprocessed = reprocessed
        self.slot = slot
        self._counted_in = counted_in
        self.bodies: dict[tuple[int, bool], bytes] = {}

    def version(self, as_of: int) -> int:
        """How many late changes are known at `as_of`; `OPEN` while the conversation goes on."""
        return OPEN if as_of < self.end else bisect_right(self.late, as_of)

    def keep(self, record: dict[str, Any], counted_in: dict[str, Any]) -> int:
        """Remember the whole record and where its metrics count; returns the size in bytes."""
        self.bodies[self._whole, True] = encode(record)
        self.bodies[_COUNTED_IN] = encode(counted_in)
        self._counted_in = {}
        return sum(map(len, self.bodies.values()))

    @property
    def counted_in(self) -> dict[str, Any]:
        """Where the metrics of each session count (see `Draft.counted_in`)."""
        return decode(self.bodies[_COUNTED_IN]) if self.bodies else self._counted_in

    def known(self, record: dict[str, Any], as_of: int) -> dict[str, Any]:
        """Bring the whole record, in place, to what it is at `as_of` (ms)."""
        if self.version(as_of) != len(self.late):
            cut(record, iso(as_of))
        if self.reprocessed is not None and as_of >= self.reprocessed:
            reprocess(record)
        return record

    def body(self, as_of: int, *, attributes: bool) -> bytes:
        """The record as it stands at `as_of` (ms), encoded; `keep` must have been called."""
        key = (self.version(as_of), attributes)
        found = self.bodies.get(key)
        if found is not None:
            return found
        record = self.known(decode(self.whole()), as_of)
        if not attributes:
            without_attributes(record)
        body = encode(record)
        if key[0] != OPEN:
            self.bodies[key] = body
        return body

    def whole(self) -> bytes:
        """The record with all that will ever happen, but before reprocessing; `keep` must have been called."""
        return self.bodies[self._whole, True]

    @property
    def _whole(self) -> int:
        """Under which version the whole record is kept: the last one, unless reprocessing makes it another."""
        return len(self.late) if self.reprocessed is None else _BEFORE_REPROCESSING
