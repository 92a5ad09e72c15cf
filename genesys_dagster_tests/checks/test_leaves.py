"""Reading leaf by leaf: only what is wanted, from the object that the dataset is made of."""

import io

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from genesys_dagster.checks.leaves import Level, batches, missing_leaves

SESSION = pa.struct([("id", pa.string()), ("text", pa.string()), ("numbers", pa.list_(pa.int64()))])
SCHEMA = pa.schema([("name", pa.string()), ("sessions", pa.list_(SESSION)), ("other", pa.string())])


class CountingFile(io.BytesIO):
    """A file that knows how much was read of it."""

    bytes_read = 0

    def read(self, size=-1):
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def stored(rows, **options):
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), body, compression="none", **options)
    return CountingFile(body.getvalue())


def dataset(file):
    fragment = ds.ParquetFileFormat().make_fragment(file)
    return ds.FileSystemDataset([fragment], fragment.physical_schema, ds.ParquetFileFormat())


def row(number):
    sessions = [{"id": f"{number}-{n}", "text": f"{number}" * 200, "numbers": [n]} for n in range(number % 3)]
    return {"name": f"n{number}", "sessions": sessions, "other": "x" * 50}


def test_only_the_wanted_leaves_come_and_only_their_bytes_are_read():
    rows = [row(number) for number in range(5_000)]
    file = stored(rows, row_group_size=1_000, use_dictionary=False)
    data = dataset(file)
    size, file.bytes_read = len(file.getvalue()), 0
    found = pa.Table.from_batches(list(batches(data, {"name", "sessions.id"})))
    assert found.to_pylist() == [
        {"name": each["name"], "sessions": [{"id": session["id"]} for session in each["sessions"]]}
        for each in rows
    ]
    assert file.bytes_read < size / 5


def test_the_same_dataset_can_be_read_again():
    data = dataset(stored([row(1), row(2)]))
    assert list(batches(data, {"name"})) == list(batches(data, {"name"}))


def test_a_leaf_that_is_not_there_is_missing():
    data = dataset(stored([row(1)]))
    assert missing_leaves(data, {"name", "sessions.id", "sessions.numbers", "sessions.none", "none"}) == {
        "sessions.none",
        "none",
    }


def test_elements_know_their_row_whatever_is_null_or_empty_in_between():
    rows = [
        {"name": "a", "sessions": None},
        {"name": "b", "sessions": []},
        {"name": "c", "sessions": [{"id": "c0", "numbers": None}, None, {"id": "c2", "numbers": [7, 8]}]},
        {"name": "d", "sessions": [{"id": "d0", "numbers": [9]}]},
    ]
    for batch in (
        pa.Table.from_pylist(rows, schema=SCHEMA).to_batches()[0],
        pa.Table.from_pylist([*rows[:1], *rows], schema=SCHEMA).to_batches()[0].slice(1),
    ):
        sessions = Level.of(batch, "sessions")
        assert sessions.get("id").to_pylist() == ["c0", None, "c2", "d0"]
        assert sessions.rows.tolist() == [2, 2, 2, 3]
        lists = sessions.get("numbers")
        assert lists.to_pylist() == [None, None, [7, 8], [9]]
