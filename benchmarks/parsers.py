"""Ways to turn response bodies into one batch of typed rows; each takes bodies and returns an Arrow table."""

import io
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import arro3.core
import arro3.io
import msgspec
import pyarrow as pa
import pyarrow.json

from genesys_dagster.records.decode import decode
from genesys_dagster.records.learned import Learned
from genesys_dagster.records.wire import RECORD_FIELDS, RECORD_TYPE, envelope_schema

Parser = Callable[[Sequence[bytes]], pa.Table]

ATTRIBUTES = "attributes"


_learned = Learned()


def ours(pages: Sequence[bytes]) -> pa.Table:
    """What the export does: native reader, and the proof that nothing was lost or changed."""
    return pa.Table.from_batches([decode(pages, learned=_learned).rows])


def native_reader(pages: Sequence[bytes]) -> pa.Table:
    """arro3's JSON reader with the final types and nothing else: what it does not know is lost without a word."""
    source = io.BytesIO(pages[0] if len(pages) == 1 else b"".join(pages))
    envelopes = pa.table(arro3.io.read_json(source, schema=_final_types(), batch_size=1 << 20))
    records = envelopes.column(0).combine_chunks().flatten()
    return pa.Table.from_arrays(records.flatten(), schema=pa.schema(list(records.type)))


def pyarrow_json(pages: Sequence[bytes]) -> pa.Table:
    """Arrow's own JSON reader; it cannot read an object into a map, so participant attributes are left out."""
    text = b"".join(pages)
    options = pyarrow.json.ParseOptions(explicit_schema=_without_maps(), unexpected_field_behavior="ignore")
    block = pyarrow.json.ReadOptions(block_size=len(text) + 1)
    envelopes = pyarrow.json.read_json(io.BytesIO(text), block, options)
    records = envelopes.column(0).combine_chunks().flatten()
    return pa.Table.from_arrays(records.flatten(), schema=pa.schema(list(records.type)))


def msgspec_dicts(pages: Sequence[bytes]) -> pa.Table:
    """A fast parser to dicts, then Arrow with a schema."""
    return _from_dicts([record for page in pages for record in msgspec.json.decode(page)["conversations"]])


def json_dicts(pages: Sequence[bytes]) -> pa.Table:
    """The standard library's parser to dicts, then Arrow with a schema."""
    return _from_dicts([record for page in pages for record in json.loads(page)["conversations"]])


def _from_dicts(records: list[dict[str, Any]]) -> pa.Table:
    # Instants arrive as text: read as such, then cast.
    return pa.Table.from_pylist(records, schema=_instants_as_text()).cast(pa.schema(list(RECORD_TYPE)))


@cache
def _final_types() -> arro3.core.Schema:
    return envelope_schema("conversations", widened=False)


@cache
def _instants_as_text() -> pa.Schema:
    return pa.schema([field.with_type(_changed(field.type)).with_nullable(True) for field in RECORD_FIELDS])


def _changed(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_changed(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_changed(kind.value_type))
    return pa.string() if pa.types.is_timestamp(kind) else kind


@cache
def _without_maps() -> pa.Schema:
    return pa.schema([("conversations", pa.list_(pa.struct(_fields_without_maps(RECORD_TYPE))))])


def _fields_without_maps(kind: pa.StructType) -> list[pa.Field]:
    fields = []
    for field in kind:
        if pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
            fields.append(field.with_type(pa.list_(pa.struct(_fields_without_maps(field.type.value_type)))))
        elif pa.types.is_struct(field.type):
            fields.append(field.with_type(pa.struct(_fields_without_maps(field.type))))
        elif not pa.types.is_map(field.type):
            fields.append(field)
    return fields
