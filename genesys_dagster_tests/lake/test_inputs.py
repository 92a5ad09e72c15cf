"""Inputs are loaded as their annotation says, with only the columns and rows that are asked for."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import boto3
import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from genesys_dagster.lake.objects import S3File, open_objects
from genesys_dagster_tests.lake.graphs import DAILY, load, materialize

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
ALL = dg.AllPartitionMapping()
THREE = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-04")
KINDS = [pd.DataFrame, pa.Table, pa.RecordBatchReader, ds.Dataset, pl.DataFrame, pl.LazyFrame, duckdb.DuckDBPyRelation]


def day(number):
    return pa.table(
        {
            "id": [f"{number}-a", f"{number}-b", None],
            "n": pa.array([number * 10, None, number * 10 + 2], pa.int64()),
            "parts": [[{"kind": "x"}], [], None],
            "tags": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())),
        }
    )


@pytest.fixture
def three_days(manager):
    for index, partition in enumerate(DAYS):
        assert materialize(manager, day(index), partition=partition, partitions_def=THREE).success
    return manager


def rows(value):
    """Returns any loaded value as a list of dicts."""
    if isinstance(value, pd.DataFrame):
        assert all(isinstance(dtype, pd.ArrowDtype) for dtype in value.dtypes)
        return pa.Table.from_pandas(value, preserve_index=False).to_pylist()
    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    if isinstance(value, pl.DataFrame):
        value = value.to_arrow()
    elif isinstance(value, ds.Dataset):
        value = value.to_table()
    elif isinstance(value, duckdb.DuckDBPyRelation):
        value = value.to_arrow_table()
    elif isinstance(value, pa.RecordBatchReader):
        value = value.read_all()
    return [{name: _plain(item) for name, item in row.items()} for row in value.to_pylist()]


def _plain(value):
    """Maps come back as pairs, or as dicts from some libraries."""
    return list(value.items()) if isinstance(value, dict) else value


@pytest.mark.parametrize("kind", KINDS)
def test_a_partition_is_loaded_as_annotated(three_days, kind):
    value = load(three_days, kind, upstream=THREE, downstream=THREE, partition=DAYS[1])
    assert isinstance(value, kind)
    assert [row["id"] for row in rows(value)] == ["1-a", "1-b", None]
    assert list(rows(value)[0] if kind is not pa.RecordBatchReader else ["id", "n", "parts", "tags"]) == ["id", "n", "parts", "tags"]


@pytest.mark.parametrize("kind", KINDS)
def test_several_partitions_are_one_value_in_partition_order(three_days, kind):
    value = load(three_days, kind, upstream=THREE, mapping=ALL)
    assert [row["n"] for row in rows(value)] == [0, None, 2, 10, None, 12, 20, None, 22]


@pytest.mark.parametrize("kind", KINDS)
def test_several_partitions_are_a_mapping_where_one_is_asked_for(three_days, kind):
    value = load(three_days, dict[str, kind], upstream=THREE, mapping=ALL)
    assert list(value) == DAYS
    assert [[row["n"] for row in rows(one)] for one in value.values()] == [[0, None, 2], [10, None, 12], [20, None, 22]]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [(None, pd.DataFrame), (Any, pd.DataFrame), (pa.Table | None, pa.Table), (Annotated[pa.Table, "x"], pa.Table)],
)
def test_other_spellings_of_an_annotation_are_understood(three_days, annotation, kind):
    assert isinstance(load(three_days, annotation, upstream=THREE, downstream=THREE, partition=DAYS[0]), kind)


@pytest.mark.parametrize("annotation", [dict, Mapping[str, pa.Table], dict[str, Any]])
def test_any_mapping_asks_for_one_value_per_partition(three_days, annotation):
    assert list(load(three_days, annotation, upstream=THREE, mapping=ALL)) == DAYS


FILTERS = {
    "equal": ([("id", "=", "1-a")], ["1-a"]),
    "and": ([("n", ">=", 2), ("n", "<", 20)], [None, "1-a", None]),
    "or of ands": ([[("id", "==", "0-a")], [("n", ">", 12), ("id", "!=", "x")]], ["0-a", "2-a"]),
    "in": ([("id", "in", ["0-b", "2-b"])], ["0-b", "2-b"]),
    "not in keeps nulls": ([("id", "not in", ["0-a", "0-b", "1-a", "1-b", "2-a"])], [None, None, "2-b", None]),
    "not equal drops nulls": ([("id", "!=", "0-a"), ("n", "<=", 20)], ["1-a", "2-a"]),
    "expression": (pc.field("id").is_valid() & (pc.field("n") > 5), ["1-a", "2-a"]),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_selected_alike_for_every_kind(three_days, kind, name):
    filters, expected = FILTERS[name]
    value = load(three_days, kind, upstream=THREE, mapping=ALL, metadata={"filters": filters})
    assert [row["id"] for row in rows(value)] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_selected_in_the_order_asked_for(three_days, kind):
    metadata = {"columns": ["n", "id"], "filters": [("n", ">", 15)]}
    value = rows(load(three_days, kind, upstream=THREE, mapping=ALL, metadata=metadata))
    assert [list(row.items()) for row in value] == [[("n", 20), ("id", "2-a")], [("n", 22), ("id", None)]]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not ds.Dataset])
def test_rows_can_be_selected_by_a_column_that_is_not_loaded(three_days, kind):
    metadata = {"columns": ["id"], "filters": [("n", "=", 20)]}
    assert rows(load(three_days, kind, upstream=THREE, mapping=ALL, metadata=metadata)) == [{"id": "2-a"}]


def test_only_the_wanted_columns_are_fetched(manager, client, store):
    big = pa.table({"small": list(range(2_000)), "large": [f"{i:x}" * 500 for i in range(2_000)]})
    assert materialize(manager, big).success
    fetched = []
    client.meta.events.register("after-call.s3.GetObject", lambda http_response, **_: fetched.append(int(http_response.headers["Content-Length"])))
    from genesys_dagster.lake.reading import open_dataset, selection, to_table

    (file,) = open_objects(client, store.bucket, ["genesys/sales/calls/data.parquet"]).values()
    table = to_table(open_dataset([file]), selection(["small"]))
    assert table["small"].to_pylist() == list(range(2_000))
    assert sum(fetched) < file.size or file.size <= 256 * 1024


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"columns": ["absent"]}, "`columns` names ['absent']"),
        ({"columns": "id"}, "must be a list of column names"),
        ({"columns": []}, "must be a list of column names"),
        ({"filters": [("absent", "=", 1)]}, "`filters` do not fit"),
        ({"filters": [("id", ">", 1)]}, "`filters` do not fit"),
        ({"filters": "n > 1"}, "must be a list of (column, operator, value)"),
        ({"filters": [("n", "like", 1)]}, "must be a list of (column, operator, value)"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_that_does_not_fit_is_one_clear_failure(three_days, kind, metadata, message):
    with pytest.raises(RuntimeError) as caught:
        load(three_days, kind, upstream=THREE, downstream=THREE, partition=DAYS[0], metadata=metadata)
    assert message in str(caught.value)


def test_a_dataset_says_that_its_filter_needs_its_columns(three_days):
    metadata = {"columns": ["id"], "filters": [("n", "=", 20)]}
    with pytest.raises(RuntimeError, match="do not fit"):
        load(three_days, ds.Dataset, upstream=THREE, mapping=ALL, metadata=metadata)


@pytest.mark.parametrize("annotation", [int, list[str], dict[str, int]])
def test_an_annotation_that_cannot_be_loaded_is_one_clear_failure(three_days, annotation):
    with pytest.raises(RuntimeError, match="annotate it with one of"):
        load(three_days, annotation, upstream=THREE, mapping=ALL)


def test_missing_partitions_are_an_error_that_lists_them(manager):
    materialize(manager, day(1), partition=DAYS[1], partitions_def=THREE)
    with pytest.raises(RuntimeError, match="2 of 3 partitions .*2026-01-01, 2026-01-03"):
        load(manager, pa.Table, upstream=THREE, mapping=ALL)


def test_a_long_list_of_missing_partitions_is_shortened(manager):
    with pytest.raises(RuntimeError, match="31 of 31 .*2026-01-20 and 11 more"):
        load(manager, pa.Table, upstream=DAILY, mapping=ALL)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_partitions_are_left_out_where_the_metadata_allows_it(manager, kind):
    for index in (0, 2):
        materialize(manager, day(index), partition=DAYS[index], partitions_def=THREE)
    allow = {"allow_missing_partitions": True}
    assert [r["n"] for r in rows(load(manager, kind, upstream=THREE, mapping=ALL, metadata=allow))] == [0, None, 2, 20, None, 22]
    mapping = load(manager, dict[str, kind], upstream=THREE, mapping=ALL, metadata=allow)
    assert {name: rows(one)[0]["id"] for name, one in mapping.items()} == {DAYS[0]: "0-a", DAYS[2]: "2-a"}


def test_nothing_but_missing_partitions_is_an_empty_mapping_and_otherwise_an_error(manager):
    allow = {"allow_missing_partitions": True}
    assert load(manager, dict[str, pa.Table], upstream=THREE, mapping=ALL, metadata=allow) == {}
    with pytest.raises(RuntimeError, match="not even a schema"):
        load(manager, pa.Table, upstream=THREE, mapping=ALL, metadata=allow)


def test_an_asset_without_partitions_is_loaded_whole(manager):
    materialize(manager, day(1))
    assert load(manager, pa.Table, upstream=None).equals(day(1))


def test_an_asset_without_partitions_that_is_missing_is_named(manager, bucket):
    with pytest.raises(RuntimeError, match=f"s3://{bucket}/genesys/sales/calls/data.parquet does not exist"):
        load(manager, pa.Table, upstream=None)


def test_a_mapping_of_an_asset_without_partitions_is_refused(manager):
    materialize(manager, day(1))
    with pytest.raises(RuntimeError, match="its asset has none"):
        load(manager, dict[str, pa.Table], upstream=None)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_came_later_are_null_in_older_partitions(manager, kind):
    old = pa.table({"id": ["a"], "p": [[{"x": 1}]]})
    new = pa.table({"id": ["b"], "p": [[{"x": 2}]], "later": ["y"]})
    materialize(manager, old, partition=DAYS[0], partitions_def=THREE)
    materialize(manager, new, partition=DAYS[1], partitions_def=THREE)
    materialize(manager, new.select(["later", "id", "p"]), partition=DAYS[2], partitions_def=THREE)
    found = rows(load(manager, kind, upstream=THREE, mapping=ALL))
    assert [(row["id"], row["later"]) for row in found] == [("a", None), ("b", "y"), ("b", "y")]


def test_nested_fields_that_came_later_are_null_in_older_partitions(manager):
    materialize(manager, pa.table({"p": [[{"x": 1}]]}), partition=DAYS[0], partitions_def=THREE)
    for index in (1, 2):
        materialize(manager, pa.table({"p": [[{"x": 2, "y": 3}]]}), partition=DAYS[index], partitions_def=THREE)
    found = load(manager, pa.Table, upstream=THREE, mapping=ALL).to_pylist()
    assert found == [{"p": [{"x": 1, "y": None}]}, *[{"p": [{"x": 2, "y": 3}]}] * 2]


def test_partitions_whose_types_contradict_each_other_are_refused(manager):
    for index, value in enumerate([1, "x", 2]):
        materialize(manager, pa.table({"n": [value]}), partition=DAYS[index], partitions_def=THREE)
    with pytest.raises(RuntimeError, match="materialize the older partitions again"):
        load(manager, pa.Table, upstream=THREE, mapping=ALL)


def test_an_object_that_is_no_parquet_is_named(manager, store):
    store.put("genesys/sales/calls/data.parquet", b"this is not parquet")
    with pytest.raises(RuntimeError, match=r"data\.parquet is not a readable Parquet object"):
        load(manager, pa.Table, upstream=None)


def test_empty_days_and_full_days_are_one_table(manager):
    for index in range(3):
        materialize(manager, day(index) if index == 1 else day(0).slice(0, 0), partition=DAYS[index], partitions_def=THREE)
    assert load(manager, pa.Table, upstream=THREE, mapping=ALL).equals(day(1))


def test_a_dataset_can_be_scanned_again_and_again(three_days):
    dataset = load(three_days, ds.Dataset, upstream=THREE, mapping=ALL)
    assert dataset.count_rows() == dataset.count_rows() == 9
    assert dataset.to_table(columns=["n"]).num_rows == 9


def test_a_lazy_frame_of_polars_carries_what_is_asked_of_it_to_the_scan(three_days):
    frame = load(three_days, pl.LazyFrame, upstream=THREE, mapping=ALL, metadata={"columns": ["id"]})
    assert "PROJECT 1/4" in frame.explain().replace("π", "PROJECT")
    assert frame.collect_schema().names() == ["id"]


def test_an_object_replaced_while_it_is_read_is_an_error_and_no_mixture(client, store):
    from genesys_dagster.lake.errors import StorageError

    store.put("x", bytes(1_000_000))
    file = S3File(client, store.bucket, "x")
    store.put("x", b"1" * 1_000_000)
    with pytest.raises(StorageError, match="was replaced while it was read") as caught:
        file.read(10)
    assert not caught.value.permanent


def test_a_file_reads_like_the_bytes_it_holds(client, store):
    data = bytes(range(256)) * 80_000
    store.put("x", data)
    file = S3File(client, store.bucket, "x")
    assert file.seek(0, 2) == file.size == len(data)
    for start, size in [(0, 10), (5, 20_000_000), (len(data) - 7, 100), (len(data), 1), (len(data) - 300_000, 299_999)]:
        file.seek(start)
        assert file.read(size) == data[start : start + size]
        assert file.tell() == min(len(data), start + size)
    file.seek(1)
    assert file.read() == data[1:]


def test_objects_are_opened_with_one_request_each(store, endpoint):
    from genesys_dagster_tests.lake.conftest import KEYS

    client = boto3.Session().client("s3", endpoint_url=endpoint, **KEYS)
    sent = []
    client.meta.events.register("before-send.s3", lambda event_name, **_: sent.append(event_name))
    store.put("a", b"1")
    assert list(open_objects(client, store.bucket, ["b", "a", "c"])) == ["a"]
    assert len(sent) == 3


def test_an_op_output_is_loaded_by_the_next_op(manager):
    seen = []

    @dg.op(out=dg.Out(io_manager_key="lake"))
    def rows_():
        return day(1)

    @dg.op(ins={"value": dg.In(pa.Table)})
    def take(value):
        seen.append(value)

    @dg.job(resource_defs={"lake": manager})
    def job():
        take(rows_())

    job.execute_in_process()
    assert seen[0].equals(day(1))


def test_partitions_of_a_set_are_in_the_order_of_their_definition(manager):
    names = ["zulu", "alpha", "mike", "bravo"]
    definition = dg.StaticPartitionsDefinition(names)
    for index, name in enumerate(names):
        materialize(manager, pa.table({"n": [index]}), partition=name, partitions_def=definition)
    assert load(manager, pa.Table, upstream=definition, mapping=ALL)["n"].to_pylist() == [0, 1, 2, 3]


@pytest.mark.parametrize("module", ["polars", "duckdb", "moto"])
def test_libraries_that_only_some_inputs_need_are_not_imported(module):
    code = f"import sys, genesys_dagster.lake.io_manager, genesys_dagster.lake.loading; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_room_without_its_door_needs_no_dagster():
    code = (
        "import sys, genesys_dagster.lake.publish, genesys_dagster.lake.loading, genesys_dagster.lake.partitions; "
        "sys.exit(any(name.partition('.')[0].startswith('dagster') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
