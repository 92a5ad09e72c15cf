"""Sums as Genesys Cloud counts them: by the moment of emission, in the queue of that moment."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.checks.metric_totals import Cell, HalfHour, MetricTotals, OfAgent, Total
from genesys_dagster.records.schema import CONVERSATION_SCHEMA

START = datetime(2026, 5, 12, tzinfo=UTC)
END = START + timedelta(days=1)
_PARTICIPANTS = CONVERSATION_SCHEMA.field("participants")


def at(minutes):
    return START + timedelta(minutes=minutes)


def metric(name, value, minutes):
    return {"name": name, "value": value, "emitDate": None if minutes is None else at(minutes)}


def segment(queue, minutes):
    return {"queueId": queue, "segmentStart": None if minutes is None else at(minutes)}


def session(metrics, segments=(), media="voice", **fields):
    return {"mediaType": media, "metrics": list(metrics), "segments": list(segments), **fields}


def sums(*conversations, batch_size=None, user=None):
    """The sums of conversations, each a list of sessions."""
    rows = [{"participants": [{"userId": user, "sessions": list(sessions)}]} for sessions in conversations]
    table = pa.Table.from_pylist(rows, schema=pa.schema([_PARTICIPANTS]))
    found = MetricTotals(START, END)
    for batch in table.to_batches(max_chunksize=batch_size):
        found.see(batch)
    return found


def totals(*conversations, batch_size=None):
    """Their sums by queue."""
    return sums(*conversations, batch_size=batch_size).result()


def test_metrics_are_added_up_by_queue_medium_and_name():
    found = totals(
        [session([metric("tTalk", 100, 1), metric("tTalk", 50, 2)], [segment("q1", 0)])],
        [
            session([metric("tTalk", 7, 3)], [segment("q1", 0)]),
            session([metric("nOffered", 1, 3)], media="email"),
        ],
    )
    assert found == {
        Cell("q1", "voice", "tTalk"): Total(3, 157.0),
        Cell(None, "email", "nOffered"): Total(1, 1.0),
    }


@pytest.mark.parametrize(
    ("minutes", "counts"), [(-1, False), (0, True), (24 * 60 - 1, True), (24 * 60, False), (None, False)]
)
def test_only_what_was_emitted_within_the_interval_counts(minutes, counts):
    assert bool(totals([session([metric("tTalk", 5, minutes)])])) is counts


def test_a_session_that_changes_its_queue_counts_each_metric_where_it_was_then():
    stays = [segment("q1", 10), segment(None, 15), segment("q2", 20)]
    found = totals([session([metric("nOffered", n, n) for n in (5, 10, 19, 20, 30)], stays)])
    assert found == {
        Cell("q1", "voice", "nOffered"): Total(3, 34.0),
        Cell("q2", "voice", "nOffered"): Total(2, 50.0),
    }


def test_at_the_instant_of_a_change_what_ends_is_in_the_queue_left():
    metrics = [metric("tFlowOut", 7, 31), metric("nOffered", 1, 31), metric("tFlowOut", 2, 0)]
    found = totals([session([], [segment("Z", 0)]), session(metrics, [segment("A", 0), segment("B", 31)])])
    assert found == {
        Cell("A", "voice", "tFlowOut"): Total(2, 9.0),
        Cell("B", "voice", "nOffered"): Total(1, 1.0),
    }


def test_inbound_connections_are_in_no_queue_and_outbound_ones_in_theirs():
    stays = [segment("q1", 0)]
    metrics = [metric("nConnected", 1, 0), metric("tConnected", 9, 5)]
    assert totals([session(metrics, stays, direction="inbound")]) == {
        Cell(None, "voice", "nConnected"): Total(1, 1.0),
        Cell("q1", "voice", "tConnected"): Total(1, 9.0),
    }
    for direction in ("outbound", None):
        assert totals([session(metrics[:1], stays, direction=direction)]) == {
            Cell("q1", "voice", "nConnected"): Total(1, 1.0)
        }


def test_what_is_counted_by_half_hour_has_its_direction():
    metrics = [metric("tTalk", 5, 29), metric("tTalk", 6, 30), metric("nOffered", 1, 23 * 60 + 59)]
    found = sums([session(metrics, direction="inbound")], [session(metrics[:1])])
    assert found.half_hours() == {
        HalfHour(0, "voice", "inbound", "tTalk"): Total(1, 5.0),
        HalfHour(0, "voice", None, "tTalk"): Total(1, 5.0),
        HalfHour(1, "voice", "inbound", "tTalk"): Total(1, 6.0),
        HalfHour(47, "voice", "inbound", "nOffered"): Total(1, 1.0),
    }


def test_agents_have_what_is_known_to_count_for_them():
    metrics = [metric("tHandle", 5, 29), metric("tHandle", 6, 60), metric("tAlert", 1, 1)]
    assert sums([session(metrics)], user="u").agents() == {OfAgent("u", "voice", "tHandle"): Total(2, 11.0)}
    assert sums([session(metrics)]).agents() == {}


def test_the_queue_of_another_session_is_never_taken():
    before, after = session([], [segment("q1", 1)]), session([], [segment("q2", 1)])
    found = totals([before, session([metric("tTalk", 1, 5)]), after])
    assert found == {Cell(None, "voice", "tTalk"): Total(1, 1.0)}


def test_a_metric_without_value_does_not_count():
    assert totals([session([metric("tTalk", None, 5)])]) == {}


queues = st.sampled_from([None, "", "q1", "q2", "q3"])
# Few instants in the middle of the day, so that metrics and changes of the queue often meet.
minutes = st.integers(-90, 25 * 60) | st.integers(600, 603)
sessions = st.builds(
    session,
    st.lists(
        st.builds(
            metric, st.sampled_from(["tTalk", "nOffered"]), st.integers(0, 9) | st.none(), minutes | st.none()
        ),
        max_size=4,
    ),
    st.lists(st.builds(segment, queues, minutes), max_size=4),
    st.sampled_from(["voice", "email", None]),
)


def naive(conversations):
    """The same, one metric at a time."""
    sums = defaultdict(lambda: [0, 0.0])
    for of_conversation in conversations:
        for each in of_conversation:
            stays = sorted(
                (
                    (s["segmentStart"], n, s["queueId"])
                    for n, s in enumerate(each["segments"])
                    if s["queueId"]
                ),
                key=lambda stay: stay[:2],
            )
            for found in each["metrics"]:
                moment = found["emitDate"]
                if moment is None or found["value"] is None or not START <= moment < END:
                    continue
                by = moment - timedelta(milliseconds=1) if found["name"].startswith("t") else moment
                begun = [stay[2] for stay in stays if stay[0] <= by]
                queue = begun[-1] if begun else stays[0][2] if stays else None
                cell = sums[Cell(queue, each["mediaType"], found["name"])]
                cell[0] += 1
                cell[1] += found["value"]
    return {cell: Total(*values) for cell, values in sums.items()}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(sessions, max_size=3), max_size=5), st.integers(1, 3))
def test_all_metrics_of_any_conversations_are_counted_once_where_they_belong(conversations, batch_size):
    assert totals(*conversations, batch_size=batch_size) == naive(conversations)
