"""Bodies that are no answers of the API, or nearly: bytes, and JSON with the API's names in the wrong places."""

import json
from typing import Any

from hypothesis import strategies as st

NAMES = [
    "conversations", "entities", "conversationId", "conversationStart", "conversationEnd", "id", "participants",
    "sessions", "segments", "segmentStart", "metrics", "emitDate", "value", "attributes", "evaluations", "eventTime",
    "totalHits", "cursor", "nextPage", "nextUri", "pageCount", "total", "dataAvailabilityDate", "jobId", "state",
    "results", "group", "data", "stats", "count", "sum", "metric", "interval", "access_token", "expires_in",
    "message", "code", "status", "", "\ud800",
]  # fmt: skip
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "a", "\ud800", "2026-05-12T09:00:00.000Z", "0001-01-01T00:00:00+14:00", "http://[", "5", "\0"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
ODD_TEXTS = [
    b"", b"{", b"[]", b"null", b"NaN", b'{"totalHits":NaN}', b'{"totalHits":1e400}', b'{"totalHits":-Infinity}',
    b"[" * 5_000, b'{"conversations":' * 2_000, b'\xff\xfe{\x00}\x00', b'{"conversations":[1]}',
    b'{"conversations":[null]}', b'{"conversations":{}}', b'{"dataAvailabilityDate":"soon"}', b"\xef\xbb\xbf{}",
    b'{"pageCount":1e400,"entities":[]}', b'{"a":' + b"9" * 5000 + b"}",
]  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(ODD_TEXTS),
    OBJECTS.map(lambda value: json.dumps(value).encode()),
    OBJECTS.map(lambda value: json.dumps(value, separators=(",", ":")).encode()),
)
