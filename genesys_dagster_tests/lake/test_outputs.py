"""What an asset may return, and what then lies in the bucket."""

import io

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.lake.graphs import failure, materialize, table

TABLE = pa.table({"id": ["a", "b", "c"], "n": pa.array([1, 2, None], pa.int64())})
KEY = "genesys/sales/calls/data.parquet"

VALUES = {
    "pandas": TABLE.to_pandas,
    "arrow-backed pandas": lambda: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "generator of pandas": lambda: (
        TABLE.slice(i, 1).to_pandas(types_mapper=pd.ArrowDtype) for i in range(3)
    ),
    "list of batches": lambda: TABLE.to_batches(max_chunksize=1),
    "generator of batches": lambda: iter(TABLE.to_batches(max_chunksize=2)),
    "generator of tables": lambda: (TABLE.slice(i, 1) for i in range(3)),
    "table": lambda: TABLE,
    "record batch": lambda: TABLE.to_batches()[0],
    "reader": lambda: TABLE.to_reader(max_chunksize=1),
    "polars": lambda: pl.from_arrow(TABLE),
    "generator of polars": lambda: (pl.from_arrow(TABLE.slice(i, 1)) for i in range(3)),
    "duckdb relation": lambda: duckdb.from_arrow(TABLE),
    "frame stream": lambda: FrameStream(TABLE.schema, TABLE.to_batches()),
}


@pytest.mark.parametrize("kind", VALUES)
def test_every_accepted_kind_of_value_is_stored_with_its_rows(manager, store, kind):
    assert materialize(manager, VALUES[kind]).success
    assert store.keys() == [KEY]
    assert table(store, KEY).to_pylist() == TABLE.to_pylist()


def test_arrow_backed_pandas_polars_and_arrow_give_the_types_of_arrow(manager, store):
    for kind in ("arrow-backed pandas", "table", "frame stream"):
        assert materialize(manager, VALUES[kind]).success
        assert table(store, KEY).schema == TABLE.schema


def test_memory_is_the_systems_while_an_object_is_written_and_arrows_own_again_afterwards(manager, store):
    before = pa.default_memory_pool().backend_name
    seen = []

    def batches():
        for batch in TABLE.to_batches(max_chunksize=1):
            seen.append(pa.default_memory_pool().backend_name)
            yield batch
        if len(seen) > len(TABLE):
            raise RuntimeError("the source breaks off")

    def stream():
        return FrameStream(TABLE.schema, batches())

    assert materialize(manager, stream).success
    assert seen == ["system"] * len(TABLE)
    assert not materialize(manager, stream).success
    assert pa.default_memory_pool().backend_name == before != "system"


def test_a_partition_lies_in_its_hive_folder(manager, store):
    assert materialize(manager, TABLE, partition="2026-01-05").success
    assert store.keys() == ["genesys/sales/calls/date=2026-01-05/data.parquet"]


@pytest.mark.parametrize(
    ("definition", "key", "folder"),
    [
        (dg.StaticPartitionsDefinition(["de/at", ".."]), "de/at", "partition=de%2Fat"),
        (dg.StaticPartitionsDefinition(["de/at", ".."]), "..", "partition=%2E%2E"),
        (dg.HourlyPartitionsDefinition("2026-01-01-00:00"), "2026-01-01-05:00", "partition=2026-01-01-05:00"),
        (dg.MonthlyPartitionsDefinition("2026-01-01"), "2026-02-01", "date=2026-02-01"),
        (
            dg.MultiPartitionsDefinition(
                {
                    "day": dg.DailyPartitionsDefinition("2026-01-01"),
                    "org": dg.StaticPartitionsDefinition(["a", "b"]),
                }
            ),
            dg.MultiPartitionKey({"day": "2026-01-02", "org": "b"}),
            "day=2026-01-02/org=b",
        ),
    ],
)
def test_other_partitions_have_hive_folders_too(manager, store, definition, key, folder):
    assert materialize(manager, TABLE, partition=key, partitions_def=definition).success
    assert store.keys() == [f"genesys/sales/calls/{folder}/data.parquet"]


def test_bucket_and_prefix_come_from_the_environment_unless_configured(s3, store, monkeypatch):
    monkeypatch.setenv("GENESYS_S3_BUCKET", store.bucket)
    monkeypatch.setenv("GENESYS_S3_PREFIX", "raw/genesys/")
    assert materialize(S3ParquetIOManager(s3=s3), TABLE).success
    assert materialize(S3ParquetIOManager(s3=s3, prefix=""), TABLE).success
    assert store.keys() == ["raw/genesys/sales/calls/data.parquet", "sales/calls/data.parquet"]


def test_a_value_of_an_op_lies_under_its_run(manager, store):
    @dg.op(out=dg.Out(io_manager_key="lake"))
    def rows():
        return TABLE

    @dg.job(resource_defs={"lake": manager})
    def job():
        rows()

    result = job.execute_in_process()
    assert store.keys() == [f"genesys/{result.run_id}/rows/result/data.parquet"]


REFUSED = {
    "none": (None, "returned None"),
    "text": ("rows", "is a str"),
    "number": (3, "is a int"),
    "list of dicts": ([{"id": "a"}], "yields a dict"),
    "empty list": ([], "empty iterable, so its schema is unknown"),
    "lazy polars": (pl.LazyFrame({"a": [1]}), "collect()"),
    "mapping without partitions": ({"2026-01-01": TABLE}, "only assets with partitions"),
    "no columns": (pd.DataFrame(), "no columns"),
    "named index": (pd.DataFrame({"a": [1]}, index=pd.Index([1], name="id")), "reset_index()"),
    "column twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns named ['a']"),
    "column number": (pd.DataFrame({0: [1]}), "must be text, not [0]"),
    "mixed objects": (pd.DataFrame({"a": [1, "x"]}), "no Arrow form"),
    "second frame of another type": (
        [pa.table({"a": [1]}), pa.table({"a": ["x"]})],
        "Column 'a' does not fit the schema's type int64",
    ),
    "second frame loses precision": (
        [pa.table({"a": [1]}), pa.table({"a": [1.5]})],
        "Column 'a' does not fit",
    ),
    "second frame lacks a column": ([TABLE, TABLE.select(["id"])], "lacks the columns ['n']"),
    "second frame has more columns": ([TABLE.select(["id"]), TABLE], "has the columns ['n']"),
    "second item is no frame": ([TABLE, 3], "yielded a int"),
    "null where excluded": (
        FrameStream(pa.schema([pa.field("a", pa.int64(), nullable=False)]), [pa.table({"a": [None, 1]})]),
        "Column 'a' must not be null",
    ),
    "null where excluded, nested": (
        FrameStream(
            pa.schema({"l": pa.list_(pa.struct([pa.field("x", pa.int64(), nullable=False)]))}),
            [pd.DataFrame({"l": [[{"x": 1}], [{"x": None}]]})],
        ),
        "'l'",
    ),
    "frame stream of other columns": (
        FrameStream(TABLE.schema, [pd.DataFrame({"id": ["a"]})]),
        "lacks the columns",
    ),
    "schema without columns": (FrameStream(pa.schema([]), []), "no columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_cannot_be_stored_is_one_clear_failure_and_writes_nothing(manager, store, case):
    value, message = REFUSED[case]
    store.put(KEY)
    result = materialize(manager, lambda: value)
    assert not result.success
    assert message in failure(result).message
    assert failure(result).error.cls_name == "Failure"
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_frames_are_cast_where_no_value_changes(manager, store):
    schema = pa.schema({"n": pa.int64(), "s": pa.string(), "t": pa.timestamp("ms", "UTC"), "d": pa.float64()})
    frame = pd.DataFrame(
        {
            "d": [1, 2],
            "t": pd.to_datetime(["2026-01-01T00:00:00.001Z", None]),
            "s": ["x", None],
            "n": [1.0, None],
        }
    )
    assert materialize(manager, FrameStream(schema, [frame])).success
    assert table(store, KEY).schema == schema
    assert table(store, KEY)["n"].to_pylist() == [1, None]


def test_excluded_nulls_stay_excluded_in_the_file(manager, store):
    struct = pa.struct([pa.field("x", pa.int64(), nullable=False), pa.field("y", pa.string())])
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("l", pa.list_(struct))])
    rows = pa.table({"id": ["a", "b"], "l": [[{"x": 1, "y": None}], None]}, schema=schema)
    assert materialize(manager, FrameStream(schema, [rows.to_pandas(types_mapper=pd.ArrowDtype)])).success
    assert table(store, KEY).schema == schema
    assert table(store, KEY).equals(rows)


def test_an_empty_day_has_the_schema_of_every_day(manager, store):
    assert materialize(manager, FrameStream(TABLE.schema, [])).success
    assert table(store, KEY).schema == TABLE.schema
    assert table(store, KEY).num_rows == 0


def test_a_pandas_index_and_pandas_notes_stay_out_of_the_file(manager, store):
    frame = TABLE.to_pandas().sort_values("id", ascending=False)
    assert materialize(manager, frame).success
    file = pq.ParquetFile(io.BytesIO(store.read(KEY)))
    assert file.schema_arrow.names == ["id", "n"]
    assert b"pandas" not in (file.schema_arrow.metadata or {})
    assert b"pandas" not in (file.metadata.metadata or {})


def test_equal_rows_give_equal_bytes_in_every_run_and_kind(manager, store):
    written = set()
    for value in (
        TABLE,
        iter(TABLE.to_batches(max_chunksize=1)),
        TABLE.to_pandas(types_mapper=pd.ArrowDtype),
        TABLE,
    ):
        assert materialize(manager, value, partition="2026-01-05").success
        written.add(store.read("genesys/sales/calls/date=2026-01-05/data.parquet"))
    assert len(written) == 1


def test_column_descriptions_survive_in_the_file(manager, store):
    schema = pa.schema([pa.field("id", pa.string(), metadata={"description": "The id.", "personal": "true"})])
    assert materialize(manager, FrameStream(schema, [pa.table({"id": ["a"]})])).success
    assert table(store, KEY).schema.field("id").metadata == {b"description": b"The id.", b"personal": b"true"}
