"""Only what a statement needs is read, also deep inside nested columns, and older objects fit."""

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genesys_dagster.lake.errors import ReadError
from genesys_dagster.records.decode import decode
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql.narrow import narrowed, needed
from genesys_dagster.sql.origin import Origin
from genesys_dagster.sql.origins import origins
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.records.conversations import conversation, page
from genesys_dagster_tests.tables.rebuild import computed, written

_SPECS = {spec.name: spec for spec in SPECS}


def leaves(kind, path=()):
    if pa.types.is_map(kind) or not pa.types.is_nested(kind):
        yield ".".join(path)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(field.type, (*path, field.name))
    else:
        yield from leaves(kind.value_type, path)


def read_by(name):
    spec = _SPECS[name]
    found = origins(
        spec.statement, spec.schema.names, {"conversation_details": CONVERSATION_SCHEMA.names}
    )  # fmt: skip
    return set(leaves(pa.struct(needed(CONVERSATION_SCHEMA, found.all()))))


def test_session_metrics_reads_a_few_leaves_of_two_hundred():
    assert len(set(leaves(pa.struct(CONVERSATION_SCHEMA)))) > 200
    session = "participants.sessions"
    assert read_by("session_metrics") == {
        "conversationId", "conversationStart", "originatingDirection",
        "participants.participantId", "participants.purpose", "participants.userId",
        f"{session}.sessionId", f"{session}.mediaType", f"{session}.direction",
        f"{session}.segments.queueId", f"{session}.segments.segmentStart",
        f"{session}.metrics.emitDate", f"{session}.metrics.name", f"{session}.metrics.value",
    }  # fmt: skip


def test_a_list_of_which_only_the_length_counts_costs_one_leaf():
    assert [leaf for leaf in read_by("conversations") if leaf.startswith("participants")] == [
        "participants.externalContactId"
    ]


def test_all_tables_together_read_everything():
    assert set().union(*map(read_by, _SPECS)) == set(leaves(pa.struct(CONVERSATION_SCHEMA)))


def test_names_are_matched_as_duckdb_does_whatever_their_case():
    schema = needed(CONVERSATION_SCHEMA, [Origin("t", ("PARTICIPANTS", "UserID"))])
    assert list(leaves(pa.struct(schema))) == ["participants.userId"]


def test_no_other_pages_of_the_object_are_fetched(tmp_path):
    """A day whose other columns are unreadable still gives the table that does not need them."""
    day, _ = written(tmp_path / "data.parquet", conversation(externalTag="tag" * 50))
    file = pq.ParquetFile(tmp_path / "data.parquet")
    (column,) = [
        file.metadata.row_group(0).column(at)
        for at in range(file.metadata.num_columns)
        if file.metadata.row_group(0).column(at).path_in_schema == "externalTag"
    ]
    start = column.dictionary_page_offset or column.data_page_offset
    with (tmp_path / "data.parquet").open("r+b") as raw:
        raw.seek(start)
        raw.write(b"\xff" * column.total_compressed_size)
    assert len(computed("evaluations", day)) == 0
    with pytest.raises(ReadError, match="materialize"):
        computed("conversations", day)


def test_an_object_from_before_a_field_was_known_gives_nulls(tmp_path):
    before = _without(pa.struct(CONVERSATION_SCHEMA), {"externalTag", "teamId", "wrapUpCode", "surveys"})
    rows = decode(
        [page(conversation(participants=[{"userId": "u", "sessions": [{"segments": [{"queueId": "q"}]}]}]))]
    ).rows
    old = pa.Table.from_batches([rows]).select([field.name for field in before])
    old = old.cast(pa.schema(list(before)))
    pq.write_table(old, tmp_path / "data.parquet")
    day = ds.dataset(tmp_path / "data.parquet", format="parquet")
    (segment,) = computed("segments", day).to_pylist()
    assert (segment["queue_id"], segment["wrap_up_code"], segment["user_id"]) == ("q", None, "u")
    assert computed("participants", day)["team_id"].to_pylist() == [None]
    assert computed("conversations", day).to_pylist()[0]["survey_count"] is None
    assert len(computed("surveys", day)) == 0


def _without(kind, names):
    if pa.types.is_struct(kind):
        return pa.struct(
            [field.with_type(_without(field.type, names)) for field in kind if field.name not in names]
        )
    if pa.types.is_list(kind):
        return pa.list_(_without(kind.value_type, names))
    return kind


def test_several_row_groups_come_in_order(tmp_path):
    rows = pa.table({"x": range(10_000), "unused": range(10_000)})
    pq.write_table(rows, tmp_path / "data.parquet", row_group_size=3_000)
    stream = narrowed(ds.dataset(tmp_path / "data.parquet"), pa.schema([("x", pa.int64())]))
    assert pa.Table.from_batches(stream.frames)["x"].to_pylist() == list(range(10_000))


def test_a_few_thousand_rows_are_in_memory_at_a_time(tmp_path):
    rows = pa.table({"x": range(50_000)})
    pq.write_table(rows, tmp_path / "data.parquet", row_group_size=10_000)
    stream = narrowed(ds.dataset(tmp_path / "data.parquet"), pa.schema([("x", pa.int64())]))
    assert max(len(batch) for batch in stream.frames) <= 2_048
