"""What a new version changes is counted against the version before, and never at the expense of the partition."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.lake.changes import Changes, RowDigests, counting_changes
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.stored import stored_version

SCHEMA = pa.schema([
    pa.field("id", pa.string(), nullable=False),
    pa.field("value", pa.float64()),
    pa.field("parts", pa.list_(pa.struct([("name", pa.string()), ("size", pa.int64())]))),
    pa.field("attributes", pa.map_(pa.string(), pa.string())),
])  # fmt: skip

PART = st.fixed_dictionaries(
    {"name": st.none() | st.text(max_size=3), "size": st.none() | st.integers(-9, 9)}
)
ROW = st.fixed_dictionaries(
    {
        "value": st.none() | st.floats(allow_nan=False),
        "parts": st.lists(PART, min_size=1, max_size=3),
        "attributes": st.dictionaries(st.text(max_size=2), st.text(max_size=2), min_size=1, max_size=2),
    }
)
VERSION = st.dictionaries(st.text(max_size=3), ROW, max_size=6)


def table(version):
    rows = [{"id": key, **row, "attributes": list(row["attributes"].items())} for key, row in version.items()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def changes(new, old, rows_at_once=2):
    digests = RowDigests("id")
    for batch in table(new).to_batches(max_chunksize=rows_at_once):
        digests.add(pa.Table.from_batches([batch]))
    return digests.compare(pa.Table.from_batches([b]) for b in table(old).to_batches(max_chunksize=3))


def same(left, right):
    return table({"x": left}).to_pylist() == table({"x": right}).to_pylist()


@settings(deadline=None, max_examples=60)
@given(VERSION, VERSION, st.data())
def test_every_row_is_counted_once_as_added_changed_removed_or_unchanged(new, other, data):
    kept = data.draw(st.sets(st.sampled_from(sorted(new)))) if new else set()
    old = other | {key: new[key] for key in kept}
    both = set(new) & set(old)
    unchanged = sum(same(new[key], old[key]) for key in both)
    assert changes(new, old) == Changes(
        added=len(set(new) - both),
        changed=len(both) - unchanged,
        removed=len(set(old) - both),
        unchanged=unchanged,
    )


ROW_A = {
    "value": 1.0,
    "parts": [{"name": "a", "size": 1}, {"name": "b", "size": 2}],
    "attributes": {"k": "v"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"value": 1.5},
        {"value": None},
        {"parts": ROW_A["parts"][::-1]},
        {"parts": ROW_A["parts"][:1]},
        {"parts": [{"name": "a", "size": 2}, {"name": "b", "size": 1}]},
        {"parts": [{"name": "a", "size": None}, {"name": "b", "size": 2}]},
        {"attributes": {"k": "w"}},
        {"attributes": {"v": "k"}},
    ],
)
def test_a_change_at_any_depth_is_seen(change):
    assert changes({"x": ROW_A | change}, {"x": ROW_A}) == Changes(0, 1, 0, 0)


def stream(rows):
    return FrameStream(SCHEMA, [table(rows)], metadata=lambda: {"pages": 3})


def written(store, rows, key="day.parquet"):
    sink = pa.BufferOutputStream()
    pq.write_table(table(rows), sink, row_group_size=1)
    store.put(key, sink.getvalue().to_pybytes())


def counted(client, bucket, rows, key="day.parquet"):
    previous = stored_version(client, bucket, key, SCHEMA)
    counting = counting_changes(stream(rows), "id", previous)
    frames = pa.concat_tables(counting.frames)
    assert frames.equals(table(rows))
    return dict(counting.metadata())


def test_the_counts_are_added_to_what_the_stream_reports(client, bucket, store):
    written(store, {"kept": ROW_A, "changed": ROW_A, "removed": ROW_A})
    new = {"kept": ROW_A, "changed": ROW_A | {"value": 2.0}, "new": ROW_A, "newer": ROW_A}
    assert counted(client, bucket, new) == {
        "pages": 3, "rows_added": 2, "rows_changed": 1, "rows_removed": 1,
    }  # fmt: skip


def test_the_first_version_has_nothing_to_report(client, bucket):
    assert counted(client, bucket, {"x": ROW_A}) == {"pages": 3}


def test_a_version_before_that_cannot_be_compared_costs_only_the_counts(client, bucket, store, caplog):
    store.put("day.parquet", b"no parquet at all")
    assert counted(client, bucket, {"x": ROW_A}) == {"pages": 3}
    other = pa.BufferOutputStream()
    pq.write_table(table({}).drop_columns(["value"]), other)
    store.put("day.parquet", other.getvalue().to_pybytes())
    assert counted(client, bucket, {"x": ROW_A}) == {"pages": 3}
    assert caplog.text.count("is not counted") == 2
    assert "other" not in caplog.text or "columns" in caplog.text


def test_a_bucket_that_refuses_costs_only_the_counts(client, caplog):
    assert stored_version(client, "no-such-bucket-here", "day.parquet", SCHEMA) is None


def test_a_stream_that_is_broken_off_is_closed(client, bucket, store):
    written(store, {"x": ROW_A})
    closed = []

    def frames():
        try:
            yield table({"x": ROW_A})
            yield table({"y": ROW_A})
        finally:
            closed.append(True)

    source = FrameStream(SCHEMA, frames())
    counting = counting_changes(source, "id", stored_version(client, bucket, "day.parquet", SCHEMA))
    next(iter(counting.frames))
    counting.frames.close()
    assert closed
