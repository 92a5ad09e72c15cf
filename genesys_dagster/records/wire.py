"""How the schema is read from the wire: types wide enough that nothing is changed silently, and the way back.

The JSON reader would cut 12.75 to 12 in a whole-number column and nanoseconds in a millisecond column, and take a
number for an instant. So whole numbers are read as doubles and instants as text; the cast to the schema then refuses
what does not fit.
"""

from collections.abc import Iterable, Mapping

import arro3.core
import pyarrow as pa

from genesys_dagster.records.schema import CONVERSATION_SCHEMA

# Fields of the envelope that Genesys sends beside the records (SDK 269: AnalyticsConversationQueryResponse,
# AnalyticsConversationAsyncQueryResponse), and those of gateways that page by cursor.
_ENVELOPE = [
    pa.field("totalHits", pa.float64()),
    pa.field("cursor", pa.string()),
    pa.field("dataAvailabilityDate", pa.string()),
    pa.field("nextPage", pa.string()),
]
_GATEWAY_ID = pa.field("id", pa.string())
_INSTANT = pa.timestamp("ms", "UTC")
_WIDENED = {pa.int64(): pa.float64(), _INSTANT: pa.string()}
_FINER = {_INSTANT: pa.timestamp("ns", "UTC")}

RECORD_FIELDS: list[pa.Field] = [field for field in CONVERSATION_SCHEMA if field.name != "unknownFields"]


def _with(others: Mapping[pa.DataType, pa.DataType], kind: pa.DataType) -> pa.DataType:
    """A type with other types for some of its leaves."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _with(others, field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_with(others, kind.value_type))
    return others.get(kind, kind)


def _nullable(fields: Iterable[pa.Field]) -> list[pa.Field]:
    return [field.with_nullable(True) for field in fields]


def envelope_schema(records_key: str, *, widened: bool) -> arro3.core.Schema:
    """The reader's schema of one response body.

    Args:
        records_key: the envelope's key that holds the records.
        widened: whether values are read with the wider types, to be checked and cast afterwards.
    """
    fields = _nullable(RECORD_FIELDS)
    if widened and records_key == "entities":  # the gateways' dialect names the id of every entity `id`
        fields.append(_GATEWAY_ID)
    record = pa.struct(fields)
    records = pa.field(records_key, pa.list_(_with(_WIDENED, record) if widened else record))
    return arro3.core.Schema.from_arrow(pa.schema([records, *_ENVELOPE]))


RECORD_TYPE = pa.struct(_nullable(RECORD_FIELDS))
"""The record as a struct of the schema's own types, `unknownFields` left out."""

FINER_RECORD_TYPE = _with(_FINER, RECORD_TYPE)
"""The same with instants in nanoseconds."""
