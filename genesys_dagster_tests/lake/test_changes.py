"""What a new version changes is counted against the version before, and never at the expense of the partition."""

from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.lake import changes as lake_changes
from genesys_dagster.lake.changes import Changes, Comparison
from genesys_dagster.lake.differences import differing
from genesys_dagster.lake.digests import RowDigests
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.parquet import ParquetEncoder, ParquetSettings
from genesys_dagster.lake.publish import UploadSettings, publish
from genesys_dagster.lake.stored import stored_version
from genesys_dagster.lake.terms import Finished, Judgement, Span, Terms

SCHEMA = pa.schema([
    pa.field("id", pa.string(), nullable=False),
    pa.field("value", pa.float64()),
    pa.field("parts", pa.list_(pa.struct([("name", pa.string()), ("size", pa.int64())]))),
    pa.field("attributes", pa.map_(pa.string(), pa.string())),
])  # fmt: skip

# An empty list or map counts as one that is absent, so the rows have none.
PART = st.fixed_dictionaries(
    {"name": st.none() | st.text(max_size=3), "size": st.none() | st.integers(-9, 9)}
)
ROW = st.fixed_dictionaries(
    {
        "value": st.none() | st.floats(allow_nan=False),
        "parts": st.none() | st.lists(st.none() | PART, min_size=1, max_size=3),
        "attributes": st.dictionaries(st.text(max_size=2), st.text(max_size=2), min_size=1, max_size=2),
    }
)
VERSION = st.dictionaries(st.text(max_size=3), ROW, max_size=9)


def table(version):
    rows = [{"id": key, **row, "attributes": list(row["attributes"].items())} for key, row in version.items()]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def changes(new, old, rows_at_once=2):
    previous = (pa.Table.from_batches([b]) for b in table(old).to_batches(max_chunksize=3))
    comparison = Comparison(previous, "id")
    for batch in table(new).to_batches(max_chunksize=rows_at_once):
        comparison.see(pa.Table.from_batches([batch]))
    return comparison.result()


def same(left, right):
    return table({"x": left}).to_pylist() == table({"x": right}).to_pylist()


def count(new, old):
    """The same, looked up row by row."""
    both = set(new) & set(old)
    changed = sum(not same(new[key], old[key]) for key in both)
    return Changes(added=len(set(new) - both), changed=changed, removed=len(set(old) - both), kept=len(both))


def in_order(version, keys):
    return {key: version[key] for key in keys}


@settings(deadline=None, max_examples=60)
@given(VERSION, VERSION, st.data())
def test_every_row_is_counted_once_as_added_changed_removed_or_unchanged(new, other, data):
    kept = data.draw(st.sets(st.sampled_from(sorted(new)))) if new else set()
    old = other | {key: new[key] for key in kept}
    if data.draw(st.booleans()):  # else as they came: keys in the same order
        new = in_order(new, data.draw(st.permutations(sorted(new))))
        old = in_order(old, data.draw(st.permutations(sorted(old))))
    with mock.patch.object(lake_changes, "_AHEAD", data.draw(st.integers(0, 4))):
        assert changes(new, old, data.draw(st.integers(1, 4))) == count(new, old)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(ROW, ROW), min_size=1, max_size=8), st.integers(0, 3), st.integers(1, 4))
def test_pairs_that_differ_are_found_however_the_rows_are_cut(pairs, skipped, at_once):
    left, right = (
        pa.concat_tables([table({str(n): pair[side] for n, pair in enumerate(pairs)})] * 2) for side in (0, 1)
    )
    cut = pa.Table.from_batches(right.combine_chunks().to_batches(max_chunksize=at_once))
    expected = [not same(*pair) for pair in pairs] * 2
    assert differing(left.slice(skipped), cut.slice(skipped)).tolist() == expected[skipped:]


def test_rows_that_follow_each_other_as_before_need_no_digest(monkeypatch):
    monkeypatch.setattr(RowDigests, "of", None)
    version = {str(number): ROW_A for number in range(20)}
    more = version | {"7": ROW_A | {"value": 2.0}, "at the end": ROW_A}
    assert changes(more, version) == Changes(added=1, changed=1, removed=0, kept=20)


@pytest.mark.parametrize("order", [list, reversed])
def test_what_is_no_number_is_no_change_and_an_empty_list_is_an_absent_one(order):
    """By either way of comparing: side by side, and by digest."""
    old = {str(n): ROW_A | {"value": float("nan"), "parts": None, "attributes": {}} for n in range(3)}
    new = {str(n): ROW_A | {"value": float("nan"), "parts": [], "attributes": {}} for n in order(range(3))}
    with mock.patch.object(lake_changes, "_AHEAD", 0):
        assert changes(new, old, 1) == Changes(0, 0, 0, 3)


def test_a_key_that_stands_twice_in_the_stored_version_is_not_gone_while_the_new_one_has_it():
    version = table({str(number): ROW_A for number in range(20)})
    for stored in ([version, version], [version.slice(0, 5), version]):
        comparison = Comparison(stored, "id")
        comparison.see(version)
        assert comparison.result() == Changes(0, 0, 0, sum(each.num_rows for each in stored))
        comparison = Comparison(stored, "id")
        comparison.see(version.slice(0, 19))
        assert comparison.result().removed == len(stored) - (stored[0].num_rows == 5)


def test_keys_of_several_columns_and_types_tell_rows_apart():
    schema = pa.schema([("user", pa.string()), ("at", pa.timestamp("ms", "UTC")), ("number", pa.int64())])
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(3)]

    def of(*rows):
        return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)

    comparison = Comparison([of(("a", hours[0], -1), ("a", hours[1], -2), ("b", None, 3))], *schema.names)
    comparison.see(of(("b", None, 3), ("a", hours[1], -1), ("a", hours[0], -1)))
    assert comparison.result() == Changes(added=1, changed=0, removed=1, kept=2)


def test_values_that_arrow_does_not_compare_are_compared_by_digest():
    def of(*values):
        kind = pa.list_(pa.int64(), 2)
        return pa.table({"id": ["a", "b"], "pair": pa.array(values, kind)})

    comparison = Comparison([of([1, 2], [3, 4])], "id")
    comparison.see(of([1, 2], [4, 3]))
    assert comparison.result() == Changes(added=0, changed=1, removed=0, kept=2)


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
    assert changes({"x": ROW_A | change}, {"x": ROW_A}) == Changes(0, 1, 0, 1)


def written(store, rows, key="day.parquet", drop=()):
    sink = pa.BufferOutputStream()
    pq.write_table(table(rows).drop_columns(list(drop)), sink, row_group_size=1)
    store.put(key, sink.getvalue().to_pybytes())


def verdict(client, bucket, rows):
    """What is told of a version, and what its judge was told."""
    seen = []
    before = stored_version(client, bucket, "day.parquet", SCHEMA)
    judgement = Judgement(
        Terms(before, ("id",), judge=lambda finished: seen.append(finished) or {"judged": True})
    )
    judgement.see(table(rows))
    return dict(judgement.metadata()), *seen


def test_the_counts_stand_beside_what_the_judge_says(client, bucket, store):
    written(store, {"kept": ROW_A, "changed": ROW_A, "removed": ROW_A})
    new = {"kept": ROW_A, "changed": ROW_A | {"value": 2.0}, "new": ROW_A, "newer": ROW_A}
    said, finished = verdict(client, bucket, new)
    assert said == {"rows_added": 2, "rows_changed": 1, "rows_removed": 1, "judged": True}
    assert finished == Finished(4, finished.before, Changes(2, 1, 1, 2))


def test_the_first_version_has_nothing_to_report(client, bucket):
    said, finished = verdict(client, bucket, {"x": ROW_A})
    assert said == {"judged": True}
    assert finished == Finished(1, None, None)


def test_a_version_that_is_no_parquet_has_nothing_to_compare_with(client, bucket, store, caplog):
    store.put("day.parquet", b"no parquet at all")
    said, finished = verdict(client, bucket, {"x": ROW_A})
    assert said == {"judged": True}
    assert finished.changes is None
    assert "is not counted" in caplog.text


def test_of_a_version_with_other_columns_it_is_still_known_what_is_gone(client, bucket, store):
    written(store, {"kept": ROW_A, "removed": ROW_A}, drop=["value"])
    said, finished = verdict(client, bucket, {"kept": ROW_A, "new": ROW_A})
    assert said == {"rows_added": 1, "rows_removed": 1, "judged": True}
    assert finished.changes == Changes(1, None, 1, 1)


def test_only_stored_rows_that_belong_to_the_span_count_as_gone(client, bucket, store):
    schema = pa.schema([("id", pa.string()), ("at", pa.timestamp("ms", "UTC"))])
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": list("abcd"), "at": hours}, schema), sink)
    store.put("day.parquet", sink.getvalue().to_pybytes())
    before = stored_version(client, bucket, "day.parquet", schema)
    judgement = Judgement(Terms(before, ("id",), Span("at", hours[1], hours[3])))
    judgement.see(pa.table({"id": ["b"], "at": hours[1:2]}, schema))
    assert judgement.metadata()["rows_removed"] == 1


def test_a_version_that_cannot_be_read_at_the_moment_is_never_taken_for_none(client):
    with pytest.raises(StorageError):
        stored_version(client, "no-such-bucket-here", "day.parquet", SCHEMA)


def test_a_write_that_fails_before_its_first_rows_reads_nothing_of_the_version_before(client, bucket, store):
    written(store, {"kept": ROW_A})
    before = stored_version(client, bucket, "day.parquet", SCHEMA)
    with mock.patch.object(type(before), "has_schema", side_effect=StorageError("away", permanent=False)):
        Judgement(Terms(before, ("id",))).close()


def test_what_travels_with_an_object_is_read_back_from_it(client, bucket, store):
    sink = pa.BufferOutputStream()
    with ParquetEncoder(sink, SCHEMA, ParquetSettings()) as encoder:
        encoder.write(table({"x": ROW_A}))
        encoder.finish({"source": "job"})
    store.put("day.parquet", sink.getvalue().to_pybytes())
    found = stored_version(client, bucket, "day.parquet", SCHEMA)
    assert (found.facts["source"], found.rows, found.has_schema()) == ("job", 1, True)


def threads_now():
    """Those of libraries as well."""
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_refused_write_that_somebody_remembers_keeps_no_thread(client, bucket, store):
    written(store, {"x": ROW_A})
    before = stored_version(client, bucket, "day.parquet", SCHEMA)

    def refuse(_):
        raise PermissionError

    def attempt():
        with pytest.raises(PermissionError) as caught:
            publish(
                FrameStream(SCHEMA, [table({"another": ROW_A})]), client, bucket, "day.parquet",
                parquet=ParquetSettings(), upload=UploadSettings(), terms=Terms(before, ("id",), judge=refuse),
            )  # fmt: skip
        return caught.value

    kept = [attempt()]
    threads = threads_now()
    kept += [attempt() for _ in range(10)]
    assert threads_now() < threads + len(kept) - 1  # Arrow's and the store's own start when they are needed
