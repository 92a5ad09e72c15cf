"""Inputs are loaded as their annotation says, with only the columns and rows that are asked for."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from random import Random
from typing import Annotated, Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from genesys_dagster.lake.errors import ReadError
from genesys_dagster.lake.frames import as_stream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.lake.loading import Request, load_partitions
from genesys_dagster.lake.objects import TAIL
from genesys_dagster.lake.parquet import ParquetSettings
from genesys_dagster.lake.publish import UploadSettings, publish
from genesys_dagster.lake.reading import selection
from genesys_dagster_tests.lake.conftest import fresh_bucket
from genesys_dagster_tests.lake.graphs import DAILY, load, materialize

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
ALL = dg.AllPartitionMapping()
THREE = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-04")
KINDS = [
    pd.DataFrame,
    pa.Table,
    pa.RecordBatchReader,
    ds.Dataset,
    pl.DataFrame,
    pl.LazyFrame,
    duckdb.DuckDBPyRelation,
]
COLUMNS = ["id", "n", "at", "on", "parts", "tags"]
KEY = "genesys/sales/calls/data.parquet"
SETTINGS = {"parquet": ParquetSettings(), "upload": UploadSettings()}


def day(number):
    return pa.table(
        {
            "id": [f"{number}-a", f"{number}-b", None],
            "n": pa.array([number * 10, None, number * 10 + 2], pa.int64()),
            "at": pa.array(
                [datetime(2026, 1, number + 1, hour, tzinfo=UTC) for hour in (0, 8, 16)],
                pa.timestamp("ms", "UTC"),
            ),
            "on": [date(2026, 1, number + 1)] * 3,
            "parts": [[{"kind": "x"}], [], None],
            "tags": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())),
        }
    )


def key_of(partition):
    return f"genesys/sales/calls/date={partition}/data.parquet"


def put(client, bucket, key, table):
    publish(as_stream(table), client, bucket, key, **SETTINGS)


@pytest.fixture(scope="module")
def filled(admin):
    """A bucket with three days, written once for all tests that only read."""
    with fresh_bucket(admin) as name:
        for index, partition in enumerate(DAYS):
            put(admin, name, key_of(partition), day(index))
        yield name


@pytest.fixture
def three_days(s3, filled):
    """The IO manager on that bucket."""
    return S3ParquetIOManager(s3=s3, bucket=filled)


@pytest.fixture
def fetch(admin, filled):
    """Loads the three days without Dagster."""

    def load_them(annotation, *, allow_missing=False, partitions=DAYS, bucket=filled, **metadata):
        request = Request(annotation, selection(**metadata), allow_missing)
        return load_partitions(admin, bucket, {day: key_of(day) for day in partitions}, request).value

    return load_them


def failing_selection():
    return pc.field("absent") > 1


def numbers_above_five():
    return pc.field("id").is_valid() & (pc.field("n") > 5)


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
    found = rows(value)
    assert [row["id"] for row in found] == ["1-a", "1-b", None]
    assert list(found[0]) == COLUMNS


@pytest.mark.parametrize("kind", KINDS)
def test_several_partitions_are_one_value_in_partition_order(three_days, kind):
    value = load(three_days, kind, upstream=THREE, mapping=ALL)
    assert [row["n"] for row in rows(value)] == [0, None, 2, 10, None, 12, 20, None, 22]


@pytest.mark.parametrize("kind", KINDS)
def test_several_partitions_are_a_mapping_where_one_is_asked_for(three_days, kind):
    value = load(three_days, dict[str, kind], upstream=THREE, mapping=ALL)
    assert list(value) == DAYS
    assert [[row["n"] for row in rows(one)] for one in value.values()] == [
        [0, None, 2],
        [10, None, 12],
        [20, None, 22],
    ]


@pytest.mark.parametrize(
    ("annotation", "kind"), [(None, pd.DataFrame), (Any, pd.DataFrame), (pa.Table | None, pa.Table)]
)
def test_other_spellings_of_an_annotation_are_understood(three_days, annotation, kind):
    assert isinstance(load(three_days, annotation, upstream=THREE, downstream=THREE, partition=DAYS[0]), kind)


@pytest.mark.parametrize(
    "annotation", [dict, Mapping[str, pa.Table], dict[str, Any], Annotated[dict[str, pa.Table], "x"]]
)
def test_any_mapping_asks_for_one_value_per_partition(fetch, annotation):
    assert list(fetch(annotation)) == DAYS


FILTERS = {
    "equal": ([("id", "=", "1-a")], ["1-a"]),
    "and": ([("n", ">=", 2), ("n", "<", 20)], [None, "1-a", None]),
    "or of ands": ([[("id", "==", "0-a")], [("n", ">", 12), ("id", "!=", "x")]], ["0-a", "2-a"]),
    "in": ([("id", "in", ["0-b", "2-b"])], ["0-b", "2-b"]),
    "not in keeps nulls": (
        [("id", "not in", ["0-a", "0-b", "1-a", "1-b", "2-a"])],
        [None, None, "2-b", None],
    ),
    "not equal drops nulls": ([("id", "!=", "0-a"), ("n", "<=", 20)], ["1-a", "2-a"]),
    "lists as in YAML": ([["n", "=", 20]], ["2-a"]),
    "time as text": (
        [("at", ">=", "2026-01-02T08:00:00Z"), ("at", "<", "2026-01-03T01:00:00+01:00")],
        ["1-b", None],
    ),
    "day as text": ([("at", ">=", "2026-01-03")], ["2-a", "2-b", None]),
    "date as text": ([("on", "in", ["2026-01-01"])], ["0-a", "0-b", None]),
    "time": ([("at", "=", datetime(2026, 1, 1, tzinfo=UTC))], ["0-a"]),
    "expression": (numbers_above_five(), ["1-a", "2-a"]),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_selected_alike_for_every_kind(fetch, kind, name):
    filters, expected = FILTERS[name]
    assert [row["id"] for row in rows(fetch(kind, filters=filters))] == expected


@pytest.mark.parametrize(
    "filters",
    [
        [("n", ">", 5), ("id", "!=", "x")],
        [("at", ">=", "2026-01-02"), ("id", "!=", "x"), ("n", ">", 5)],
        dg.MetadataValue.python_artifact(numbers_above_five),
    ],
)
def test_columns_and_filters_come_from_the_inputs_metadata(three_days, filters):
    metadata = {"columns": ["id"], "filters": filters}
    value = load(three_days, pd.DataFrame, upstream=THREE, mapping=ALL, metadata=metadata)
    assert rows(value) == [{"id": "1-a"}, {"id": "2-a"}]


@pytest.mark.filterwarnings("ignore:Support for arbitrary metadata values is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    "filters", [numbers_above_five(), [("at", ">", datetime(2026, 1, 2, tzinfo=UTC))], [("n", "in", {1})]]
)
def test_filters_that_dagster_cannot_record_are_refused_with_the_way_out(three_days, filters):
    with pytest.raises(RuntimeError, match=r"ISO 8601 text and sets as lists.*python_artifact"):
        load(three_days, pd.DataFrame, upstream=THREE, mapping=ALL, metadata={"filters": filters})


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_selected_in_the_order_asked_for(fetch, kind):
    value = rows(fetch(kind, columns=["n", "id"], filters=[("n", ">", 15)]))
    assert [list(row.items()) for row in value] == [[("n", 20), ("id", "2-a")], [("n", 22), ("id", None)]]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not ds.Dataset])
def test_rows_can_be_selected_by_a_column_that_is_not_loaded(fetch, kind):
    assert rows(fetch(kind, columns=["id"], filters=[("n", "=", 20)])) == [{"id": "2-a"}]


def test_only_the_wanted_columns_and_rows_are_fetched(client, bucket):
    random = Random(1)
    large = [random.randbytes(500) for _ in range(4_000)]
    table = pa.table({"small": list(range(4_000)), "large": large})
    settings = {**SETTINGS, "parquet": ParquetSettings(rows_per_row_group=1_000)}
    size = publish(as_stream(table), client, bucket, key_of(DAYS[0]), **settings).object.size
    assert size > 6 * TAIL

    def fetched(**metadata):
        ranges = []
        client.meta.events.register(
            "after-call.s3.GetObject", lambda parsed, **_: ranges.append(parsed["ContentLength"]), "x"
        )
        request = Request(pa.Table, selection(**metadata))
        load_partitions(client, bucket, {DAYS[0]: key_of(DAYS[0])}, request)
        client.meta.events.unregister("after-call.s3.GetObject", unique_id="x")
        return sum(ranges)

    assert fetched() > size
    assert fetched(columns=["small"]) < size / 4
    assert fetched(filters=[("small", "<", 500)]) < size / 2


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"columns": ["absent"]}, "`columns` names ['absent']"),
        ({"columns": "id"}, "must be a list of column names"),
        ({"columns": []}, "must be a list of column names"),
        ({"filters": [("absent", "=", 1)]}, "`filters` do not fit"),
        ({"filters": [("id", ">", 1)]}, "`filters` do not fit"),
        ({"filters": failing_selection()}, "`filters` do not fit"),
        ({"filters": [("at", ">", "yesterday")]}, "no ISO 8601 time"),
        ({"filters": "n > 1"}, "must be a list of (column, operator, value)"),
        ({"filters": []}, "must be a list of (column, operator, value)"),
        ({"filters": [("n", "like", 1)]}, "must be a list of (column, operator, value)"),
        ({"filters": [("n", 1)]}, "must be a list of (column, operator, value)"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_that_does_not_fit_is_one_clear_error(fetch, kind, metadata, message):
    with pytest.raises(ReadError) as caught:
        fetch(kind, **metadata)
    assert message in str(caught.value)


def test_a_dataset_says_that_its_filter_needs_its_columns(fetch):
    with pytest.raises(ReadError, match="do not fit"):
        fetch(ds.Dataset, columns=["id"], filters=[("n", "=", 20)])


@pytest.mark.parametrize("annotation", [int, list[str], dict[str, int], pl.Series])
def test_an_annotation_that_cannot_be_loaded_is_one_clear_failure(three_days, annotation):
    with pytest.raises(RuntimeError, match="annotate it with one of"):
        load(three_days, annotation, upstream=THREE, mapping=ALL)


def test_missing_partitions_are_an_error_that_lists_them(manager):
    materialize(manager, day(1), partition=DAYS[1])
    with pytest.raises(RuntimeError, match=r"2 of 3 partitions .*2026-01-01, 2026-01-03"):
        load(manager, pa.Table, upstream=THREE, mapping=ALL)


def test_a_long_list_of_missing_partitions_is_shortened(manager):
    with pytest.raises(RuntimeError, match=r"31 of 31 .*2026-01-20 and 11 more"):
        load(manager, pa.Table, upstream=DAILY, mapping=ALL)


def test_missing_partitions_are_left_out_where_the_metadata_allows_it(manager, admin, bucket):
    for index in (0, 2):
        put(admin, bucket, key_of(DAYS[index]), day(index))
    allow = {"allow_missing_partitions": True}
    value = load(manager, None, upstream=THREE, mapping=ALL, metadata=allow)
    assert [row["n"] for row in rows(value)] == [0, None, 2, 20, None, 22]


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_has_the_rows_of_its_own_partition_also_when_some_are_missing(fetch, kind):
    found = fetch(
        dict[str, kind], partitions=["2025-12-31", *DAYS[:1], "2025-12-30", *DAYS[2:]], allow_missing=True
    )
    assert {name: rows(one)[0]["id"] for name, one in found.items()} == {DAYS[0]: "0-a", DAYS[2]: "2-a"}


def test_nothing_but_missing_partitions_is_an_empty_mapping_and_otherwise_an_error(fetch):
    assert fetch(dict[str, pa.Table], partitions=["2025-12-31"], allow_missing=True) == {}
    with pytest.raises(ReadError, match="not even a schema"):
        fetch(pa.Table, partitions=["2025-12-31"], allow_missing=True)


@pytest.fixture
def evolving(admin, bucket, fetch):
    """Writes three tables as three days and loads them."""

    def load_days(kind, *tables):
        for partition, table in zip(DAYS, tables, strict=True):
            put(admin, bucket, key_of(partition), table)
        return fetch(kind, bucket=bucket)

    return load_days


@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_came_later_are_null_in_older_partitions(evolving, kind):
    old = pa.table({"id": ["a"], "p": [[{"x": 1}]]})
    new = pa.table({"id": ["b"], "p": [[{"x": 2}]], "later": ["y"]})
    found = rows(evolving(kind, old, new, new.select(["later", "id", "p"])))
    assert [(row["id"], row["later"]) for row in found] == [("a", None), ("b", "y"), ("b", "y")]


@pytest.mark.parametrize("kind", KINDS)
def test_nested_fields_that_came_later_are_null_in_older_partitions(evolving, kind):
    old, new = pa.table({"p": [[{"x": 1}]]}), pa.table({"p": [[{"x": 2, "y": 3}]]})
    assert rows(evolving(kind, old, new, new)) == [
        {"p": [{"x": 1, "y": None}]},
        *[{"p": [{"x": 2, "y": 3}]}] * 2,
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_partitions_whose_types_contradict_each_other_are_refused(evolving, kind):
    with pytest.raises(ReadError, match="materialize the older partitions again"):
        evolving(kind, pa.table({"n": [1]}), pa.table({"n": ["x"]}), pa.table({"n": [2]}))


def test_empty_days_and_full_days_are_one_table(evolving):
    empty = day(0).slice(0, 0)
    assert evolving(pa.Table, empty, day(1), empty).equals(day(1))


@pytest.mark.parametrize("content", [b"this is not parquet", b""])
def test_an_object_that_is_no_parquet_is_named(manager, store, content):
    store.put("genesys/sales/calls/data.parquet", content)
    with pytest.raises(RuntimeError, match=r"data\.parquet is not a readable Parquet object"):
        load(manager, pa.Table, upstream=None)


def test_a_dataset_can_be_scanned_again_and_again(fetch):
    dataset = fetch(ds.Dataset)
    assert dataset.count_rows() == dataset.count_rows() == 9
    assert dataset.to_table(columns=["n"]).num_rows == 9


def test_a_lazy_frame_of_polars_carries_what_is_asked_of_it_to_the_scan(fetch):
    frame = fetch(pl.LazyFrame, columns=["id"])
    assert "PROJECT 1/6" in frame.explain().replace("π", "PROJECT")
    assert frame.collect_schema().names() == ["id"]


def test_partitions_of_a_set_are_in_the_order_of_their_definition(manager, admin, bucket):
    names = ["zulu", "alpha", "mike", "bravo", "yankee", "charlie", "x-ray", "delta"]
    chosen = [name for name in names if name != "mike"]
    for name in chosen:
        put(admin, bucket, f"genesys/sales/calls/partition={name}/data.parquet", pa.table({"name": [name]}))
    mapping = dg.SpecificPartitionsPartitionMapping(chosen)
    value = load(manager, pa.Table, upstream=dg.StaticPartitionsDefinition(names), mapping=mapping)
    assert value["name"].to_pylist() == chosen
