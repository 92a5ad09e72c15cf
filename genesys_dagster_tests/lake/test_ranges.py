"""Outputs of runs over several partitions are split into their partitions."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from genesys_dagster.lake.frames import FrameStream
from genesys_dagster_tests.lake.graphs import failure, materialize, metadata_by_partition, table

DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
SCHEMA = pa.schema({"n": pa.int64()})


def day(*numbers):
    return pa.table({"n": list(numbers)}, schema=SCHEMA)


def key(partition, folder="date"):
    return f"genesys/sales/calls/{folder}={partition}/data.parquet"


def run(manager, value, **options):
    return materialize(manager, value, partition=DAYS[0], last=DAYS[-1], **options)


def numbers(store):
    return {
        name.split("=")[1].split("/")[0]: table(store, name)["n"].to_pylist() for name in list(store.keys())
    }


def test_a_mapping_is_one_object_per_partition(manager, store):
    values = {DAYS[2]: day(3), DAYS[0]: day(1).to_pandas(), DAYS[1]: iter([day(2), day(22)])}
    assert run(manager, values).success
    assert numbers(store) == {DAYS[0]: [1], DAYS[1]: [2, 22], DAYS[2]: [3]}


def test_a_mapping_for_a_single_partition_is_one_object(manager, store):
    assert materialize(manager, {DAYS[1]: day(5)}, partition=DAYS[1]).success
    assert numbers(store) == {DAYS[1]: [5]}


def test_pairs_are_written_and_committed_one_after_another(manager, store):
    seen = []

    def pairs():
        for index, partition in enumerate(DAYS):
            seen.append(store.keys())
            yield partition, FrameStream(SCHEMA, iter([day(index), day(index + 10)]))

    assert run(manager, pairs).success
    assert [len(keys) for keys in seen] == [0, 1, 2]
    assert numbers(store) == {DAYS[0]: [0, 10], DAYS[1]: [1, 11], DAYS[2]: [2, 12]}


def test_pairs_work_for_a_run_of_one_partition(manager, store):
    assert materialize(manager, lambda: iter([(DAYS[1], day(1))]), partition=DAYS[1]).success
    assert numbers(store) == {DAYS[1]: [1]}


def test_absent_partitions_are_written_without_rows(manager, store):
    assert run(manager, {DAYS[1]: day(2)}).success
    assert numbers(store) == {DAYS[0]: [], DAYS[1]: [2], DAYS[2]: []}
    assert table(store, key(DAYS[0])).schema == SCHEMA


def test_pairs_that_do_not_come_are_written_without_rows(manager, store):
    assert run(manager, lambda: iter([(DAYS[2], day(3))])).success
    assert numbers(store) == {DAYS[0]: [], DAYS[1]: [], DAYS[2]: [3]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({DAYS[0]: day(1), "2026-01-09": day(9)}, "partitions ['2026-01-09'] that this run does not make"),
        ({}, "no partition at all"),
        ({DAYS[0]: day(1), DAYS[1]: 5}, "is a int"),
        (day(1), "return a dict of partition key to frame"),
        ([day(1), day(2)], "return a dict of partition key to frame"),
        (FrameStream(SCHEMA, [day(1)]), "return a dict of partition key to frame"),
        ([], "no partition at all"),
        (lambda: iter([("2026-01-09", day(9))]), "'2026-01-09', which this run does not make"),
    ],
)
def test_a_range_that_does_not_tell_its_partitions_is_refused_before_anything_is_written(
    manager, store, value, message
):
    result = run(manager, value)
    assert message in failure(result).message
    assert store.keys() == []


@pytest.mark.parametrize(
    ("item", "message"),
    [((DAYS[0], day(2)), "twice"), (day(2), "where a pair"), (("2026-02-09", day(2)), "not make")],
)
def test_a_bad_item_after_good_pairs_ends_the_run(manager, store, item, message):
    result = run(manager, lambda: iter([(DAYS[0], day(1)), item]))
    assert message in failure(result).message
    assert numbers(store) == {DAYS[0]: [1]}


def test_streams_of_refused_pairs_are_closed(manager):
    closed = []

    class Frames:
        def __iter__(self):
            return iter([day(1)])

        def close(self):
            closed.append("frames")

    def pairs():
        try:
            yield "2026-02-09", Frames()
        finally:
            closed.append("pairs")

    run(manager, pairs)
    assert set(closed) == {"frames", "pairs"}


TIMES = [
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 23, 59, 59, 999000, UTC),
    datetime(2026, 1, 3, 12, tzinfo=UTC),
]


@pytest.mark.parametrize(
    "frame",
    [
        pa.table({"n": [1, 2, 3], "at": pa.array(TIMES, pa.timestamp("ms", "UTC"))}),
        pa.table(
            {"n": [1, 2, 3], "at": pa.array([t.replace(tzinfo=None) for t in TIMES], pa.timestamp("us"))}
        ),
        pa.table({"n": [1, 2, 3], "at": pa.array([t.date() for t in TIMES], pa.date32())}),
        pd.DataFrame({"n": [1, 2, 3], "at": pd.to_datetime(TIMES)}),
        pl.DataFrame({"n": [1, 2, 3], "at": TIMES}),
    ],
    ids=["instants", "wall clock", "dates", "pandas", "polars"],
)
def test_one_frame_is_split_by_the_column_that_partition_expr_names(manager, store, frame):
    assert run(manager, frame, metadata={"partition_expr": "at"}).success
    assert numbers(store) == {DAYS[0]: [1, 2], DAYS[1]: [], DAYS[2]: [3]}


def test_days_are_those_of_the_partitions_time_zone_also_when_the_clock_changes(manager, store):
    definition = dg.DailyPartitionsDefinition("2026-03-01", timezone="Europe/Berlin", end_date="2026-05-01")
    # 29 March 2026 has 23 hours in Berlin: 28T23:00Z to 29T22:00Z.
    times = [datetime(2026, 3, 28, 22, 59, tzinfo=UTC) + timedelta(hours=h) for h in (0, 1, 23, 24)]
    for column in (
        pa.array(times, pa.timestamp("ms", "UTC")),
        pa.array(
            [
                "2026-03-28T23:59",
                "2026-03-29T00:59",
                "2026-03-29T23:59",
                "2026-03-30T00:59",
            ]
        ).cast(pa.timestamp("s")),
    ):
        result = materialize(
            manager,
            pa.table({"n": [1, 2, 3, 4], "at": column}),
            partition="2026-03-28",
            last="2026-03-30",
            partitions_def=definition,
            metadata={"partition_expr": "at"},
        )
        assert result.success
        assert numbers(store) == {"2026-03-28": [1], "2026-03-29": [2, 3], "2026-03-30": [4]}


def test_partitions_that_are_no_windows_of_time_are_found_by_their_key(manager, store):
    frame = pa.table({"n": [1, 2, 3], "org": ["b", "a", "b"]})
    result = materialize(
        manager,
        frame,
        partition="b",
        last="c",
        partitions_def=dg.StaticPartitionsDefinition(["a", "b", "c"]),
        metadata={"partition_expr": "org"},
    )
    assert "1 rows have a 'org' outside 'b' to 'c'" in failure(result).message
    result = materialize(
        manager,
        frame,
        partition="a",
        last="c",
        partitions_def=dg.StaticPartitionsDefinition(["a", "b", "c"]),
        metadata={"partition_expr": "org"},
    )
    assert numbers(store) == {"a": [2], "b": [1, 3], "c": []}


@pytest.mark.parametrize(
    "outside", [datetime(2025, 12, 31, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC), None]
)
def test_rows_outside_the_range_are_refused_before_anything_is_written(manager, store, outside):
    frame = pa.table({"n": [1, 2], "at": pa.array([TIMES[0], outside], pa.timestamp("ms", "UTC"))})
    result = run(manager, frame, metadata={"partition_expr": "at"})
    assert "1 rows have a 'at' outside '2026-01-01' to '2026-01-03'" in failure(result).message
    assert store.keys() == []


@pytest.mark.parametrize(
    ("column", "message"), [("absent", "does not have"), ("n", "must be a timestamp or a date")]
)
def test_a_partition_column_must_exist_and_tell_the_time(manager, store, column, message):
    result = run(manager, day(1), metadata={"partition_expr": column})
    assert message in failure(result).message
    assert store.keys() == []


def test_each_partition_has_metadata_of_its_own(manager, store):
    values = {
        DAYS[0]: FrameStream(SCHEMA, [day(1)], lambda: {"pages": 7}),
        DAYS[1]: FrameStream(SCHEMA, [day(1, 2)], lambda: {"pages": 8}),
    }
    found = metadata_by_partition(run(manager, values))
    assert {name: values["dagster/partition_row_count"] for name, values in found.items()} == dict(
        zip(DAYS, [1, 2, 0], strict=True)
    )
    assert [found[name].get("pages") for name in DAYS] == [7, 8, None]
    assert found[DAYS[1]]["dagster/uri"] == f"s3://{store.bucket}/{key(DAYS[1])}"


def test_the_data_version_of_a_range_follows_its_content(manager):
    def version(*values):
        result = run(manager, dict(zip(DAYS, values, strict=True)))
        events = [event for event in result.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
        (found,) = {event.materialization.tags["dagster/data_version"] for event in events}
        return found

    assert version(day(1), day(2), day(3)) == version(day(1), day(2), day(3))
    assert version(day(1), day(2), day(3)) != version(day(1), day(2), day(4))


def test_dates_are_days_of_the_definition(manager, store):
    frame = pa.table({"n": [1, 2, 3], "at": pa.array([date(2026, 1, n) for n in (1, 2, 3)])})
    assert run(manager, frame, metadata={"partition_expr": "at"}).success
    assert numbers(store) == dict(zip(DAYS, [[1], [2], [3]], strict=True))
