"""Windows and duplicates."""

import uuid
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.records.decode import decode
from genesys_dagster.records.identities import IdentitySet
from genesys_dagster.records.select import Selection
from genesys_dagster_tests.records.conversations import conversation, page

DAY = (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))


def rows(*starts_and_ids, **fields):
    return decode(
        [page(*(conversation(key, conversationStart=start, **fields) for start, key in starts_and_ids))]
    ).rows


def ids(batch):
    return batch["conversationId"].to_pylist()


def test_a_window_holds_its_first_millisecond_and_not_its_end():
    selection = Selection(*DAY)
    batch = rows(
        ("2026-04-30T23:59:59.999Z", "before"),
        ("2026-05-01T00:00:00.000Z", "first"),
        ("2026-05-01T23:59:59.999Z", "last"),
        ("2026-05-02T00:00:00.000Z", "after"),
    )
    assert ids(selection.keep(batch)) == ["first", "last"]
    assert (selection.rows, selection.outside_window_dropped, selection.duplicates_dropped) == (2, 2, 0)


def test_a_window_is_the_day_of_its_time_zone():
    new_york = ZoneInfo("America/New_York")
    selection = Selection(datetime(2026, 3, 8, tzinfo=new_york), datetime(2026, 3, 9, tzinfo=new_york))
    batch = rows(  # clocks go forward that night: the day has 23 hours
        ("2026-03-08T04:59:59.999Z", "before"),
        ("2026-03-08T05:00:00.000Z", "first"),
        ("2026-03-09T03:59:59.999Z", "last"),
        ("2026-03-09T04:00:00.000Z", "after"),
    )
    assert ids(selection.keep(batch)) == ["first", "last"]


def test_the_first_row_of_a_conversation_wins_within_and_across_batches():
    selection = Selection(*DAY)
    first = selection.keep(
        rows(("2026-05-01T01:00:00Z", "a"), ("2026-05-01T02:00:00Z", "b"), ("2026-05-01T03:00:00Z", "a"))
    )
    second = selection.keep(rows(("2026-05-01T04:00:00Z", "b"), ("2026-05-01T05:00:00Z", "c")))
    assert [start.hour for start in first["conversationStart"].to_pylist()] == [1, 2]
    assert ids(second) == ["c"]
    assert (selection.rows, selection.duplicates_dropped) == (3, 2)


def test_a_conversation_outside_the_window_does_not_hide_a_later_one_inside():
    selection = Selection(*DAY)
    kept = selection.keep(rows(("2026-04-30T00:00:00Z", "a"), ("2026-05-01T00:00:00Z", "a")))
    assert ids(kept) == ["a"]


def test_a_conversation_whose_start_cannot_be_read_is_kept():
    selection = Selection(*DAY)
    assert ids(selection.keep(rows(("yesterday", "a"), (None, "b")))) == ["a", "b"]
    assert selection.outside_window_dropped == 0


def test_open_conversations_are_counted_once():
    selection = Selection(*DAY)
    selection.keep(rows(("2026-05-01T01:00:00Z", "a"), ("2026-05-01T01:00:00Z", "a")))
    selection.keep(rows(("2026-05-01T02:00:00Z", "b"), conversationEnd="2026-05-01T03:00:00Z"))
    assert selection.open_conversations == 1


def test_an_empty_batch_stays_empty():
    assert len(Selection(*DAY).keep(decode([b"{}"]).rows)) == 0


_some_ids = st.sampled_from([str(uuid.UUID(int=number)) for number in range(12)]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=3
)


@given(st.lists(st.lists(_some_ids, max_size=20), max_size=8))
@settings(deadline=None)
def test_an_identity_set_answers_like_a_set(batches):
    identities, seen = IdentitySet(), set()
    for batch in batches:
        expected = [key not in seen and not seen.add(key) for key in batch]
        assert identities.add(pa.array(batch, pa.string())).tolist() == expected
    assert len(identities) == len(seen)


def test_an_identity_set_reads_slices_of_larger_arrays():
    keys = pa.array([str(uuid.UUID(int=number)) for number in range(4)])
    identities = IdentitySet()
    identities.add(keys.slice(0, 2))
    assert identities.add(keys.slice(1, 3)).tolist() == [False, True, True]


def test_ids_that_differ_in_case_or_trailing_nulls_are_different():
    keys = ["3b7c1f0e-0000-4000-8000-00000000000a", "3B7C1F0E-0000-4000-8000-00000000000A", "a", "a\0"]
    assert IdentitySet().add(pa.array(keys)).all()
