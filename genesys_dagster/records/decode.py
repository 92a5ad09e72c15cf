"""Page bytes to typed rows.

The fast way reads whole pages with a native JSON reader and then proves, by counting, that nothing was lost or
changed on the way. Pages for which the proof fails are tried again with the fields that Genesys added taken into account: those
that pages before have told of (`learned`), then, page by page, those that are found by their names (`additions`). At
last comes the careful way (`irregular`). All give the same rows for the same records.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import arro3.core
import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.records import irregular
from genesys_dagster.records.additions import NOTHING_ADDED, Additions, find_additions
from genesys_dagster.records.asides import Asides
from genesys_dagster.records.errors import DecodeError, DoubtError
from genesys_dagster.records.learned import Learned
from genesys_dagster.records.native import read_documents
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.tokens import scan, strings_of_array
from genesys_dagster.records.wire import FINER_RECORD_TYPE, RECORD_TYPE, envelope_schema

# Above this, neighbouring whole numbers share one double (IEEE 754): what was sent can no longer be told.
_EXACT_LIMIT = 2.0**53


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows of some pages, and what the schema did not know in them."""

    rows: pa.RecordBatch
    """One row per conversation, `CONVERSATION_SCHEMA`, in the order of the pages."""
    unknown_fields: Mapping[str, int] = field(default_factory=dict)
    """Path, with positions left out (`participants[].sessions[].x`), to the number of values kept aside."""


def decode(
    pages: Sequence[bytes], records_key: str = "conversations", learned: Learned | None = None
) -> Decoded:
    """Turn response bodies into one batch of typed rows.

    Several pages at once are cheaper than one by one: each call costs about 3 ms besides the data.

    Args:
        pages: response bodies, each a JSON object whose `records_key` holds a list of conversations; an object
            without that key, or with null there, is an empty page.
        records_key: `conversations`, or `entities` for gateways that send `id` instead of `conversationId`.
        learned: which added fields pages before had; learns from these. It saves time and changes nothing else.

    Raises:
        DecodeError: a page is not such an object, or a record in it has no conversation id.
    """
    learned = learned or Learned()
    decoded = _proven(pages, records_key, learned)
    if decoded is None and len(pages) > 1:
        return _joined([decode([page], records_key, learned) for page in pages])
    decoded = decoded or _repaired(pages[0], records_key)
    learned.learn(decoded.unknown_fields)
    return decoded


def _proven(pages: Sequence[bytes], records_key: str, learned: Learned) -> Decoded | None:
    """The rows, as soon as one of the quick ways proves them; None if all leave a doubt."""
    with suppress(DoubtError):
        reading = _reading(pages, records_key)
        with suppress(DoubtError):
            return Decoded(reading.rows())
        with suppress(DoubtError):
            additions = learned.additions(pages, records_key)
            return Decoded(reading.rows(additions), additions.asides.paths)
        if len(pages) == 1:
            additions = find_additions(pages[0], records_key)
            return Decoded(reading.rows(additions), additions.asides.paths)
    return None


def _joined(parts: Sequence[Decoded]) -> Decoded:
    unknown: Counter[str] = Counter()
    for part in parts:
        unknown.update(part.unknown_fields)
    return Decoded(pa.concat_batches([part.rows for part in parts]), unknown)


class _Reading(NamedTuple):
    """Pages as the native reader understood them, and the counts by which that is proven or disproven."""

    envelopes: pa.RecordBatch
    sent: int
    found: int

    def rows(self, additions: Additions = NOTHING_ADDED) -> pa.RecordBatch:
        """The rows, if every value is proven to stand in them, or in the additions, exactly as it was sent."""
        if self.sent != self.found + additions.strings:
            raise DoubtError
        records = _identified(self.envelopes.column(0).flatten())
        if _has_inexact_number(records):
            raise DoubtError
        return _rows(_typed(records), additions.asides)


def _reading(pages: Sequence[bytes], records_key: str) -> _Reading:
    """The fast way, where the native reader can read and counting can tell."""
    scans = [scan(page) for page in pages]
    # An error of the native reader that quotes a NUL aborts the process (pyo3-arrow, ffi_stream.rs: the message
    # becomes a C string).
    if any(each.has_nul for each in scans):
        raise DoubtError
    try:
        envelopes = read_documents(pages, _schema(records_key, widened=True))
    except pa.ArrowInvalid:  # not JSON, or another type than declared
        raise DoubtError from None
    if len(envelopes) != len(pages):
        raise DoubtError
    sent = sum(each.strings for each in scans)
    return _Reading(envelopes, sent, strings_of_array(envelopes.to_struct_array()))


def _typed(records: pa.StructArray) -> pa.StructArray:
    """The records with the schema's types, if no digit is lost."""
    with suppress(pa.ArrowInvalid):
        return records.cast(RECORD_TYPE, safe=True)
    try:  # instants with more than three digits after the point, the others zeros
        return records.cast(FINER_RECORD_TYPE, safe=True).cast(RECORD_TYPE, safe=True)
    except pa.ArrowInvalid:
        raise DoubtError from None


def _repaired(page: bytes, records_key: str) -> Decoded:
    text, asides = irregular.repair(page, records_key)
    try:
        envelopes = read_documents([text], _schema(records_key, widened=False))
        return Decoded(_rows(envelopes.column(0).flatten(), asides), asides.paths)
    except pa.ArrowInvalid as error:
        raise DecodeError(f"A page of conversations could not be read: {error}") from error


@cache
def _schema(records_key: str, *, widened: bool) -> arro3.core.Schema:
    return envelope_schema(records_key, widened=widened)


def _identified(records: pa.StructArray) -> pa.StructArray:
    """The records with their ids in `conversationId`, unless the careful way has to find the ids, or the fault."""
    at = records.type.get_field_index("id")
    if at >= 0 and records.field("conversationId").null_count == len(records):
        fields = [field for field in records.type if field.name != "id"]
        columns = [records.field("id" if field.name == "conversationId" else field.name) for field in fields]
        records = pa.StructArray.from_arrays(columns, fields=fields)
        at = -1
    if at >= 0 or records.field("conversationId").null_count:
        raise DoubtError
    return records


def _has_inexact_number(array: pa.Array) -> bool:
    kind = array.type
    if array.null_count == len(array):
        return False
    if pa.types.is_struct(kind):
        return any(_has_inexact_number(array.field(index)) for index in range(kind.num_fields))
    if pa.types.is_list(kind):
        return _has_inexact_number(array.values)
    if not pa.types.is_float64(kind):
        return False
    least, greatest = pc.min_max(array).values()
    return bool(max(-least.as_py(), greatest.as_py()) >= _EXACT_LIMIT)


def _rows(records: pa.StructArray, asides: Asides) -> pa.RecordBatch:
    texts = pa.array(asides.texts, pa.string()) if asides.texts else pa.nulls(len(records), pa.string())
    return pa.RecordBatch.from_arrays([*records.flatten(), texts], schema=CONVERSATION_SCHEMA)
