"""What the UI shows of a materialization, and what it must not show."""

import hashlib
from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.lake.metadata import column_schema, readable_type
from genesys_dagster.lake.preview import preview
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.lake.graphs import failure, materialize, metadata

KEY = "genesys/sales/calls/data.parquet"


def personal(name, kind=None):
    return pa.field(name, kind or pa.string(), metadata={"personal": "true"})


SCHEMA = pa.schema(
    [
        pa.field("conversationId", pa.string(), nullable=False, metadata={"description": "Who is it."}),
        pa.field("conversationStart", pa.timestamp("ms", "UTC")),
        personal("externalTag"),
        pa.field("participants", pa.list_(pa.struct([("name", pa.string())]))),
        pa.field("attributes", pa.map_(pa.string(), pa.string())),
        pa.field("flow", pa.struct([("a", pa.string()), ("b", pa.string())])),
        pa.field("unknown", pa.string()),
        pa.field("neverFilled", pa.string()),
    ]
)
ROWS = pa.Table.from_pylist(
    [
        {
            "conversationId": "c-1",
            "conversationStart": datetime(2026, 1, 1, 8, 30, 0, 125000, UTC),
            "externalTag": "Jane Example",
            "participants": [{"name": "Jane Example"}, {"name": "John Example"}],
            "attributes": [("phone", "+15550100")],
            "flow": {"a": "Jane Example", "b": None},
            "unknown": '{"x": "Jane Example"}',
        }
    ],
    schema=SCHEMA,
)


def test_a_materialization_says_what_was_written(manager, store):
    result = materialize(manager, FrameStream(SCHEMA, [ROWS], lambda: {"pages": 3}), partition="2026-01-05")
    found = metadata(result)
    key = "genesys/sales/calls/date=2026-01-05/data.parquet"
    data = store.read(key)
    assert found["dagster/partition_row_count"] == 1
    assert found["dagster/uri"] == f"s3://{store.bucket}/{key}"
    assert found["bytes_written"] == len(data)
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert (found["multipart_parts"], found["row_groups"]) == (0, 1)
    assert found["duration"] >= 0
    assert found["pages"] == 3
    assert [column.name for column in found["dagster/column_schema"].columns] == SCHEMA.names
    assert "dagster/row_count" not in found


def test_an_asset_without_partitions_has_a_row_count(manager):
    found = metadata(materialize(manager, ROWS))
    assert found["dagster/row_count"] == 1
    assert "dagster/partition_row_count" not in found


def test_the_stream_may_describe_what_the_lake_would(manager):
    stream = FrameStream(SCHEMA, [ROWS], lambda: {"row_groups": "mine"})
    assert metadata(materialize(manager, stream))["row_groups"] == "mine"


def test_metadata_of_the_stream_is_asked_once_after_the_last_frame_and_before_the_commit(manager, store):
    happened = []

    def frames():
        happened.append("first")
        yield ROWS
        happened.append("last")

    def ask():
        happened.append(f"metadata with {len(store.keys())} objects")
        return {}

    assert materialize(manager, lambda: FrameStream(SCHEMA, frames(), ask)).success
    assert happened == ["first", "last", "metadata with 0 objects"]


def test_metadata_that_raises_refuses_the_commit(manager, store):
    def refuse():
        raise dg.Failure("half of the day is missing")

    store.put(KEY)
    result = materialize(manager, FrameStream(SCHEMA, [ROWS], refuse))
    assert failure(result).message == "half of the day is missing"
    assert store.read(KEY) == b"old"


def test_the_data_version_is_the_content(manager):
    def version(value):
        (event,) = [
            event
            for event in materialize(manager, value).all_events
            if event.event_type_value == "ASSET_MATERIALIZATION"
        ]
        return event.materialization.tags["dagster/data_version"], metadata_of(event)["sha256"]

    def metadata_of(event):
        return {name: value.value for name, value in event.materialization.metadata.items()}

    (first, digest), (second, _) = version(ROWS), version(iter(ROWS.to_batches()))
    assert first == second == digest
    assert version(ROWS.slice(0, 0))[0] != first


def test_a_data_version_that_the_asset_gives_is_kept(manager):
    @dg.asset(io_manager_key="lake")
    def calls():
        return dg.Output(ROWS, data_version=dg.DataVersion("mine"))

    result = dg.materialize([calls], resources={"lake": manager})
    (event,) = result.asset_materializations_for_node("calls")
    assert event.tags["dagster/data_version"] == "mine"


def test_the_preview_shows_no_personal_data(manager):
    shown = metadata(materialize(manager, ROWS))["preview"]
    assert "Example" not in shown
    assert "5550100" not in shown
    assert shown.splitlines()[-1] == (
        "| c-1 | 2026-01-01 08:30:00.125+00:00 | ••• | 2 participants | 1 map entries | 1 of 2 fields | JSON, 21 characters |"
    )
    assert "neverFilled" not in shown


def test_columns_can_be_masked_by_configuration_and_by_asset(s3, bucket):
    manager = S3ParquetIOManager(s3=s3, bucket=bucket, masked_columns=["a"])
    rows = pa.table({"a": ["secret"], "b": ["secret"], "c": ["open"]})
    shown = metadata(materialize(manager, rows, metadata={"masked_columns": ["b"]}))["preview"]
    assert "secret" not in shown
    assert "open" in shown


def test_the_preview_has_as_many_rows_as_configured(s3, bucket):
    rows = pa.table({"n": list(range(100, 150))})
    frames = lambda: iter(rows.to_batches(max_chunksize=1))  # noqa: E731
    shown = metadata(materialize(S3ParquetIOManager(s3=s3, bucket=bucket, preview_rows=3), frames))["preview"]
    assert [line for line in shown.splitlines() if line.startswith("| 1")] == [
        "| 100 |",
        "| 101 |",
        "| 102 |",
    ]
    assert "preview" not in metadata(
        materialize(S3ParquetIOManager(s3=s3, bucket=bucket, preview_rows=0), frames)
    )


def test_a_preview_without_rows_says_so():
    assert preview(SCHEMA.empty_table()) == "*no rows*"


@given(st.text())
def test_no_value_breaks_out_of_its_cell(text):
    lines = preview(pa.table({"before": ["b"], "text": [text], "after": ["a"]})).splitlines()
    assert len(lines) == 3
    unescaped = lines[2].replace("\\\\", "").replace("\\|", "")
    assert unescaped.count("|") == 4
    assert "<" not in lines[2]


@given(st.text(min_size=3), st.binary(min_size=3))
def test_personal_values_never_appear(text, data):
    schema = pa.schema(
        [
            pa.field("id", pa.int64()),
            personal("t"),
            personal("b", pa.binary()),
            personal("n", pa.list_(pa.string())),
        ]
    )
    rows = pa.table({"id": [1], "t": [text], "b": [data], "n": [[text]]}, schema=schema)
    assert preview(rows).splitlines()[-1] == "| 1 | ••• | ••• | 1 n |"


def test_the_column_schema_has_types_descriptions_and_nullability():
    columns = {column.name: column for column in column_schema(SCHEMA).columns}
    assert columns["conversationId"].description == "Who is it."
    assert columns["conversationId"].constraints.nullable is False
    assert columns["conversationStart"].constraints.nullable is True
    assert columns["conversationStart"].type == "timestamp[ms, tz=UTC]"
    assert columns["conversationStart"].description is None
    assert columns["participants"].type == "list<struct<1 field>>"
    assert columns["attributes"].type == "map<string, string>"


def test_the_members_of_structs_stand_in_the_description_not_in_the_type():
    deep = pa.list_(pa.struct([("x", pa.list_(pa.struct([("y", pa.int64())]))), ("z", pa.string())]))
    described = pa.field("deep", deep, metadata={"description": "What it is."})
    (column,) = column_schema(pa.schema([described])).columns
    assert column.type == "list<struct<2 fields>>"
    assert column.description == "What it is. Fields: x, z."


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pa.timestamp("ms", "UTC"), "timestamp[ms, tz=UTC]"),
        (pa.list_(pa.list_(pa.float64())), "list<list<double>>"),
        (pa.large_list(pa.int64()), "list<int64>"),
        (pa.map_(pa.string(), pa.list_(pa.struct([("a", pa.int8())]))), "map<string, list<struct<1 field>>>"),
        (pa.decimal128(9, 2), "decimal128(9, 2)"),
    ],
)
def test_types_of_leaves_are_exact(kind, text):
    assert readable_type(kind) == text


def test_no_type_of_a_column_leaves_no_room_for_its_description():
    schemas = (CONVERSATION_SCHEMA, *(spec.schema for spec in SPECS))
    assert max(len(column.type) for schema in schemas for column in column_schema(schema).columns) <= 24


@pytest.mark.parametrize("secret", ["test-secret", "test-key"])
def test_credentials_appear_in_no_representation(s3, secret):
    assert secret not in repr(S3ParquetIOManager(s3=s3, bucket="b"))
