"""Rows to Parquet: whole row groups, and bytes that depend on the rows alone."""

import io
import itertools
import threading

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.lake.parquet import ParquetEncoder, ParquetSettings
from genesys_dagster.lake.rowgroups import RowGroups, value_bits

ROW = pa.struct(
    [
        ("id", pa.string()),
        ("at", pa.timestamp("ms", "UTC")),
        ("tags", pa.map_(pa.string(), pa.string())),
        ("parts", pa.list_(pa.struct([("kind", pa.string()), ("n", pa.int64()), ("on", pa.bool_())]))),
        ("pair", pa.list_(pa.int32(), 2)),
        ("nothing", pa.null()),
    ]
)
SCHEMA = pa.schema(list(ROW))


def maybe(strategy):
    return st.none() | strategy


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": maybe(st.text(max_size=8)),
            "at": maybe(st.integers(0, 2**40)),
            "tags": maybe(st.lists(st.tuples(st.text(max_size=3), maybe(st.text(max_size=3))), max_size=3)),
            "parts": maybe(
                st.lists(
                    st.fixed_dictionaries(
                        {
                            "kind": maybe(st.sampled_from("ab")),
                            "n": maybe(st.integers(0, 9)),
                            "on": maybe(st.booleans()),
                        }
                    ),
                    max_size=3,
                )
            ),
            "pair": maybe(st.lists(st.integers(0, 9), min_size=2, max_size=2)),
            "nothing": st.none(),
        }
    ),
    max_size=30,
)


def rows_table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def encode(tables, schema, sink=None, **settings_):
    sink = sink or io.BytesIO()
    with ParquetEncoder(sink, schema, ParquetSettings(**settings_)) as encoder:
        for table in tables:
            encoder.write(table)
        encoder.finish()
    return sink.getvalue()


def cut(table, cuts):
    """Cuts a table into frames, some slices of it and some copies."""
    edges = sorted({0, table.num_rows, *(cut for cut in cuts if cut < table.num_rows)})
    for index, (start, end) in enumerate(itertools.pairwise(edges)):
        piece = table.slice(start, end - start)
        yield piece if index % 2 else piece.take(list(range(piece.num_rows)))


@settings(deadline=None, max_examples=120)
@given(ROWS, st.lists(st.integers(0, 30)), st.integers(1, 12), st.integers(1, 400))
def test_however_the_rows_are_cut_into_frames_the_bytes_are_the_same(rows, cuts, max_rows, max_bytes):
    table = rows_table(rows)
    limits = {"rows_per_row_group": max_rows, "bytes_per_row_group": max_bytes}
    whole = encode([table], SCHEMA, **limits)
    assert encode(cut(table, cuts), SCHEMA, **limits) == whole
    assert pq.read_table(io.BytesIO(whole)).to_pylist() == table.to_pylist()


def test_neither_pages_nor_encodings_follow_the_frames():
    kinds = [f"{i}" * 400 if i < 40 else "common" for i in range(5_000)]
    table = pa.table({"kind": kinds, "text": [f"{i * 7919 % 5_000}" * 100 for i in range(5_000)]})
    assert encode(cut(table, range(0, 5_000, 37)), table.schema) == encode([table], table.schema)


def test_rows_bound_a_group_also_where_bytes_end_the_next():
    groups = RowGroups(pa.schema({"s": pa.string()}), max_rows=3, max_bytes=100)
    made = []
    for texts in (["a", "b"], ["c", "d", "x" * 1_000]):
        made += [group["s"].to_pylist() for group in groups.add(pa.table({"s": texts}))]
    made += [group["s"].to_pylist() for group in groups.rest()]
    assert made == [["a", "b", "c"], ["d"], ["x" * 1_000]]


@settings(deadline=None, max_examples=120)
@given(ROWS, st.lists(st.integers(0, 30)), st.integers(1, 12), st.integers(1, 400))
def test_row_groups_are_full_and_within_rows_and_bytes(rows, cuts, max_rows, max_bytes):
    table = rows_table(rows)
    groups = RowGroups(SCHEMA, max_rows, max_bytes)
    made = [group for frame in cut(table, cuts) for group in groups.add(frame)] + list(groups.rest())
    assert sum(group.num_rows for group in made) == table.num_rows
    start = 0
    for group in made:
        assert 1 <= group.num_rows <= max_rows
        assert group.num_rows == 1 or value_bits(group) <= max_bytes * 8
        longer = table.slice(start, group.num_rows + 1)
        start += group.num_rows
        full = group.num_rows == max_rows or value_bits(longer) > max_bytes * 8
        assert full or start == table.num_rows


@settings(deadline=None, max_examples=100)
@given(ROWS, st.integers(0, 30))
def test_the_size_of_rows_is_the_sum_of_its_parts(rows, at):
    table = rows_table(rows)
    assert value_bits(table.slice(0, at)) + value_bits(table.slice(at)) == value_bits(table)
    assert value_bits(table) <= table.nbytes * 8


def file_of(table, **settings_):
    return pq.ParquetFile(io.BytesIO(encode([table], table.schema, **settings_)))


def encodings(file):
    group = file.metadata.row_group(0)
    return {group.column(i).path_in_schema: group.column(i).encodings for i in range(group.num_columns)}


def test_rows_are_gathered_to_row_groups_of_the_given_number():
    table = pa.table({"n": list(range(25))})
    file = file_of(table, rows_per_row_group=10)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [10, 10, 5]


def test_large_rows_end_a_row_group_by_their_bytes():
    table = pa.table({"text": ["x" * 1_000] * 10})
    file = file_of(table, bytes_per_row_group=2_500)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2] * 5


def test_a_row_larger_than_a_row_group_is_one_of_its_own():
    table = pa.table({"text": ["a", "x" * 10_000, "b"]})
    file = file_of(table, bytes_per_row_group=1_000)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1, 1, 1]


def test_columns_that_repeat_have_a_dictionary_and_ids_have_none():
    parts = [[{"id": f"{i}-{j}", "kind": "voice"} for j in range(4)] for i in range(50)]
    tags = [[("queue", f"value {i}")] for i in range(50)]
    table = pa.table(
        {"parts": parts, "tags": pa.array(tags, pa.map_(pa.string(), pa.string())), "region": ["eu"] * 50}
    )
    found = encodings(file_of(table))
    has_dictionary = {path for path, used in found.items() if "RLE_DICTIONARY" in used}
    assert set(found) - has_dictionary == {"parts.list.element.id", "tags.key_value.value"}
    assert has_dictionary == {"parts.list.element.kind", "tags.key_value.key", "region"}


def test_a_code_can_stand_for_null():
    texts = pa.array(["a", None, "b", None] * 20)
    codes = pc.dictionary_encode(texts, null_encoding="encode")
    assert codes.dictionary.null_count
    schema = pa.schema([("s", pa.string())])
    assert encode([pa.table({"s": codes})], schema) == encode([pa.table({"s": texts})], schema)


@pytest.mark.parametrize(("times", "encoding"), [(6, "PLAIN"), (7, "RLE_DICTIONARY")])
def test_ids_of_parents_are_texts_in_a_flat_table_unless_they_repeat_often(times, encoding):
    ids = [f"id of {at // times}" for at in range(100 * times)]
    encoded = encode([pa.table({"id": pa.array(ids).dictionary_encode()})], pa.schema([("id", pa.string())]))
    column = pq.ParquetFile(io.BytesIO(encoded)).metadata.row_group(0).column(0)
    assert encoding in column.encodings
    assert column.has_dictionary_page == (encoding != "PLAIN")


@pytest.mark.parametrize(("declared", "value"), [("true", "unique"), ("false", "same")])
def test_a_field_that_declares_its_dictionary_is_believed(declared, value):
    field = pa.field("s", pa.string(), metadata={"dictionary": declared})
    values = [value if value == "same" else f"{value}{i}" for i in range(50)]
    used = encodings(file_of(pa.table([values], schema=pa.schema([field]))))["s"]
    assert ("RLE_DICTIONARY" in used) == (declared == "true")


def test_timestamps_are_stored_as_differences():
    table = pa.table({"l": pa.array([[1, 2]] * 9, pa.list_(pa.timestamp("ms", "UTC")))})
    assert "DELTA_BINARY_PACKED" in encodings(file_of(table))["l.list.element"]


def test_statistics_are_there_for_filters_and_not_inside_of_lists():
    table = pa.table({"day": [1, 2], "legs": [[{"ani": "b"}], [{"ani": "a"}]]})
    group = file_of(table).metadata.row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    day = columns["day"].statistics
    assert (day.min, day.max) == (1, 2)
    assert not columns["legs.list.element.ani"].is_stats_set


@pytest.mark.parametrize("wanted", [True, False])
def test_texts_have_statistics_unless_they_are_ids_in_no_order(wanted):
    table = pa.table({"id": ["b", "a"], "n": [2, 1]})
    encoded = encode([table], table.schema, text_statistics=wanted)
    group = pq.ParquetFile(io.BytesIO(encoded)).metadata.row_group(0)
    assert [group.column(place).is_stats_set for place in range(2)] == [wanted, True]


@pytest.mark.parametrize("index", [pa.int8(), pa.int32()])
@pytest.mark.parametrize("rows", [5, 100])
def test_a_column_that_is_declared_as_a_dictionary_stays_one(index, rows):
    frames = [
        pa.table({"c": pa.array([*texts] * 4).cast(pa.dictionary(index, pa.string()))})
        for texts in ("abaa", "bccb")
    ]
    written = pq.read_table(io.BytesIO(encode(frames, frames[0].schema, rows_per_row_group=rows)))
    assert written.schema == frames[0].schema
    assert written["c"].to_pylist() == [*"abaa"] * 4 + [*"bccb"] * 4


CODED = st.lists(st.none() | st.sampled_from(["a", "bb", "", "ccc"]), max_size=12)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(CODED, st.booleans()), min_size=1, max_size=4),
    st.integers(1, 9),
    st.integers(1, 40),
    st.none() | st.booleans(),
)
def test_codes_of_any_dictionaries_give_the_bytes_of_their_texts(chunks, rows, size, wanted):
    """Also of dictionaries that have a text twice, texts that do not occur, or none, others in each frame, or in some."""
    declared = None if wanted is None else {"dictionary": str(wanted).lower()}
    schema = pa.schema([pa.field("s", pa.string(), metadata=declared)])
    limits = {"rows_per_row_group": 5 * rows, "bytes_per_row_group": 5 * size}
    texts = ["unused", *("a", "bb", "", "ccc") * 2]
    coded, plain = [], []
    for number, (values, comes_as_texts) in enumerate(chunks):
        places = [None if text is None else texts.index(text, number % 2 * 4 + 1) for text in values]
        dictionary = pa.array(texts if any(values) or "" in values else [], pa.string())
        array = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), dictionary)
        plain.append(pa.table({"s": pa.array(values, pa.string())}).cast(schema))
        kind = pa.schema([schema.field("s").with_type(array.type)])
        coded.append(plain[-1] if comes_as_texts else pa.table([array], schema=kind))
    assert encode(coded, schema, **limits) == encode(plain, schema, **limits)


def test_a_file_without_rows_has_its_schema():
    file = pq.ParquetFile(io.BytesIO(encode([], SCHEMA)))
    assert file.schema_arrow == SCHEMA
    assert file.metadata.num_rows == 0


class Full(io.BytesIO):
    def write(self, data):
        raise OSError("full")


def test_an_error_of_the_sink_reaches_the_writer_and_ends_the_thread():
    with pytest.raises(OSError, match="full"):
        encode([rows_table([{"id": "a"}])] * 10, SCHEMA, sink=Full(), rows_per_row_group=1)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("parquet")] == []


@pytest.mark.parametrize("codec", ["zstd", "snappy", "lz4", "gzip", "brotli", "none"])
def test_every_codec_can_be_chosen(codec):
    file = file_of(pa.table({"n": [1]}), compression=codec)
    expected = {"none": "UNCOMPRESSED"}.get(codec, codec.upper())
    assert file.metadata.row_group(0).column(0).compression == expected
