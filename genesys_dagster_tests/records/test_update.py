"""Newer rows take the places of older ones; nothing is lost, nothing comes twice, the order stays."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.records.decode import decode
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.select import Selection
from genesys_dagster.records.update import newest, updated
from genesys_dagster_tests.records.conversations import conversation, page

FIRST = datetime(2026, 5, 1, tzinfo=UTC)


def rows(*numbers, version, kind="voice"):
    """Conversations that began in the seconds of these numbers."""
    records = [
        conversation(
            f"conversation {number:02d}",
            conversationStart=(FIRST + timedelta(seconds=number)).isoformat(),
            externalTag=version,
            participants=[{"attributes": {"version": version}, "sessions": [{"mediaType": kind}]}],
        )
        for number in numbers
    ]
    if not records:
        return CONVERSATION_SCHEMA.empty_table()
    return pa.Table.from_batches([decode([page(*records)], "conversations").rows])


def seen(batches):
    table = pa.Table.from_batches(batches, CONVERSATION_SCHEMA)
    attributes = [dict(row["participants"][0]["attributes"]) for row in table.to_pylist()]
    assert [each["version"] for each in attributes] == table["externalTag"].to_pylist()
    return list(zip(table["conversationId"].to_pylist(), table["externalTag"].to_pylist(), strict=True))


NUMBERS = st.sets(st.integers(0, 40))


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.integers(1, 9))
def test_every_conversation_is_there_once_in_its_newer_version_and_in_order(stored, newer, size):
    whole = rows(*sorted(stored), version="old")
    pieces = [whole.slice(at, size) for at in range(0, len(whole), size)]
    expected = [(f"conversation {n:02d}", "new" if n in newer else "old") for n in sorted(stored | newer)]
    assert seen(updated(pieces, rows(*sorted(newer, reverse=True), version="new"))) == expected


@settings(deadline=None)
@given(st.permutations(range(8)), NUMBERS, st.integers(1, 9))
def test_through_a_selection_even_an_unordered_partition_keeps_each_conversation_once(order, newer, size):
    whole = rows(*order, version="old")
    pieces = [whole.slice(at, size) for at in range(0, len(whole), size)]
    selection = Selection(FIRST, FIRST + timedelta(days=1))
    kept = seen(selection.keep(batch) for batch in updated(pieces, rows(*newer, version="new")))
    assert sorted(kept) == [
        (f"conversation {n:02d}", "new" if n in newer else "old") for n in sorted({*order} | newer)
    ]


def test_pieces_without_news_are_handed_on_untouched():
    piece = rows(1, 2, 3, version="old")
    (batch,) = updated([piece], rows(version="new"))
    assert batch.equals(piece.to_batches()[0])


def test_of_several_versions_the_last_counts():
    pieces = [rows(1, 2, version="first"), rows(version="none"), rows(2, 3, version="last")]
    found = newest(pieces)
    versions = dict(zip(found["conversationId"].to_pylist(), found["externalTag"].to_pylist(), strict=True))
    assert versions == {"conversation 01": "first", "conversation 02": "last", "conversation 03": "last"}
