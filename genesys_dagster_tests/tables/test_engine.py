"""What every statement may rely on: streams in, streams out, little memory, errors that say what to change."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from genesys_dagster.lake.errors import FrameError, StorageError
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.sql.engine import Limits, StatementError, prepared, query

NUMBERS = pa.schema([("x", pa.int64())])


def rows(statement, sources, schema=NUMBERS, **options):
    return [row for batch in query(statement, sources, schema, **options) for row in batch.to_pylist()]


def numbers(count):
    return pa.table({"x": pa.array(range(count), pa.int64())})


def stream(batches, each=1_000, seen=None):
    def frames():
        for at in range(batches):
            if seen is not None:
                seen.append(at)
            yield pa.table({"x": pa.array(range(at * each, (at + 1) * each), pa.int64())})

    return FrameStream(NUMBERS, frames())


@pytest.mark.parametrize(
    "source", [numbers(10), ds.dataset(numbers(10)), stream(1, 10)], ids=["table", "dataset", "stream"]
)
def test_a_source_can_be_a_table_a_dataset_or_a_stream(source):
    assert rows("SELECT x + 1 AS x FROM t", {"t": source}) == [{"x": x} for x in range(1, 11)]


def test_rows_keep_the_order_of_the_stream_that_they_are_made_of():
    made = rows("SELECT unnest([x, x]) AS x FROM t", {"t": stream(50)})
    assert [row["x"] for row in made] == [x for x in range(50_000) for _ in range(2)]


def test_rows_come_while_the_source_is_being_read():
    seen = []
    batches = query("SELECT unnest([x, x, x]) AS x FROM t", {"t": stream(2_000, seen=seen)}, NUMBERS)
    next(batches)
    assert len(seen) < 300
    batches.close()


def test_memory_does_not_grow_with_the_source():
    pool = pa.default_memory_pool()
    before, peak = pool.bytes_allocated(), 0
    wide = pa.schema([("x", pa.int64()), ("text", pa.string())])

    def frames():
        for at in range(200):
            yield pa.table({"x": range(2_000), "text": [f"{at}" * 500] * 2_000}, schema=wide)

    for _ in query("SELECT * FROM t", {"t": FrameStream(wide, frames())}, wide):
        peak = max(peak, pool.bytes_allocated() - before)
    assert peak < 60 * 2**20 < 200 * 2_000 * 500


def test_what_does_not_fit_into_memory_goes_to_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    many = {"t": numbers(3_000_000)}
    made = query("SELECT x FROM t ORDER BY hash(x)", many, NUMBERS, limits=Limits(memory="60MB"))
    first = len(next(made))
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
    assert first + sum(len(batch) for batch in made) == 3_000_000
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("times", range(3))
def test_a_statement_can_be_left_early(times):
    source = stream(20_000)
    batches = query("SELECT x FROM t", {"t": source}, NUMBERS)
    next(batches)
    batches.close()
    assert source.frames.gi_frame is None  # closed too


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows("SELECT x FROM t", {"t": numbers(10)})
    with pytest.raises(StatementError):
        rows("SELECT y FROM t", {"t": numbers(10)})
    assert list(Path(tmp_path).iterdir()) == []


def test_parameters_are_values_not_text():
    made = rows("SELECT x FROM t WHERE x > $least", {"t": numbers(10)}, parameters={"least": 8})
    assert made == [{"x": 9}]


def test_columns_are_matched_by_name_and_brought_to_their_types():
    schema = pa.schema([("day", pa.timestamp("ms", "UTC")), ("x", pa.int64())])
    made = rows("SELECT 7::INT AS x, TIMESTAMPTZ '2026-05-12 01:00+01' AS day", {}, schema)
    assert made == [
        {"day": pa.scalar(1778544000000, pa.timestamp("ms", "UTC")).as_py(), "x": 7}
    ]  # fmt: skip


def test_times_are_those_of_utc_wherever_the_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    schema = pa.schema([("hour", pa.int64())])
    made = rows("SELECT hour(TIMESTAMPTZ '2026-05-12 23:30+00') AS hour", {}, schema)
    assert made == [{"hour": 23}]


def test_columns_that_the_schema_does_not_know_are_refused():
    with pytest.raises(FrameError, match="'y'"):
        rows("SELECT x, x AS y FROM t", {"t": numbers(1)})


def test_values_that_do_not_fit_are_refused_without_being_shown():
    people = pa.table({"x": ["+1 317 555 0100"]})
    with pytest.raises(FrameError) as refused:
        rows("SELECT x FROM t", {"t": people})
    with pytest.raises(StatementError) as failed:
        rows("SELECT x::BIGINT AS x FROM t", {"t": people})
    for error in (refused, failed):
        assert "555" not in str(error.value)
        assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("statement", "word"),
    [("SELECT y AS x FROM t", "y"), ("SELEC x FROM t", "SELEC"), ("SELECT x FROM u", "u")],
)
def test_a_wrong_statement_is_an_error_that_names_the_place(statement, word):
    with pytest.raises(StatementError, match=word) as error:
        rows(statement, {"t": numbers(1)})
    assert error.value.permanent


def test_too_little_memory_is_said_with_the_limit():
    with pytest.raises(StatementError, match="20MB"):
        rows("SELECT len(list(x)) AS x FROM t", {"t": numbers(3_000_000)}, limits=Limits(memory="20MB"))


@pytest.mark.parametrize("variable", ["sources", "source", "schema", "pa"])
def test_only_what_is_registered_is_a_table_and_no_variable_is(variable):
    with pytest.raises(StatementError, match="does not exist"):
        rows(f"SELECT x FROM {variable}", {"t": numbers(1)})


@pytest.mark.parametrize("after", [0, 3])
def test_an_error_of_a_source_arrives_as_it_was(after):
    def frames():
        for _ in range(after):
            yield numbers(1_000)
        raise StorageError("The bucket is gone.", permanent=False)

    with pytest.raises(StorageError, match="The bucket is gone") as error:
        rows("SELECT x FROM t", {"t": FrameStream(NUMBERS, frames())})
    assert not error.value.permanent


def test_a_prepared_statement_answers_about_one_table_after_another_whatever_their_types():
    schema = pa.schema([("x", pa.string())])
    texts = [pa.table({"x": list(letters)}) for letters in ("ab", "", "cdc")]
    codes = [table.cast(pa.schema([("x", pa.dictionary(pa.int32(), pa.string()))])) for table in texts]
    with prepared("SELECT upper(x) AS x FROM t WHERE x <> 'd'", "t", schema) as answer:
        made = [answer(table) for table in [*texts, *codes, *texts]]
    assert [table.schema for table in made] == [schema] * 9
    assert ["".join(table.column("x").to_pylist()) for table in made] == ["AB", "", "CC"] * 3


@pytest.mark.parametrize(
    ("statement", "word"), [("SELECT y FROM t", "y"), ("SELECT x::INT AS x FROM t", "Conversion Error")]
)
def test_an_error_of_a_prepared_statement_shows_no_value(statement, word):
    with prepared(statement, "t", NUMBERS) as answer, pytest.raises(StatementError, match=word) as failed:
        answer(pa.table({"x": ["+1 317 555 0100"]}))
    assert "555" not in str(failed.value)
    assert failed.value.__suppress_context__
