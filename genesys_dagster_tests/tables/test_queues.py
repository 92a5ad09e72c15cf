"""The queue in the tables: of a session if it was in one, of a metric that of its session when it was emitted."""

from collections import Counter

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster_tests.checks.test_metric_totals import (
    END,
    START,
    metric,
    naive,
    segment,
    session,
    sessions,
)
from genesys_dagster_tests.tables.rebuild import computed


@pytest.fixture
def table(tmp_path_factory):
    """Computes a table of a day of conversations, each a list of sessions; returns its rows."""

    def rows_of(name, *conversations):
        rows = [
            {"conversationId": str(at), "participants": [{"sessions": list(of_conversation)}]}
            for at, of_conversation in enumerate(conversations)
        ]
        path = tmp_path_factory.mktemp("day") / "data.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=CONVERSATION_SCHEMA), path)
        return computed(name, ds.dataset(path)).to_pylist()

    return rows_of


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        ([segment("q1", 10), segment(None, 15), segment("q2", 20)], ["q1", "q1", "q2", "q2", "q1"]),
        ([segment("q2", 20), segment("q1", 10)], ["q1", "q1", "q2", "q2", "q1"]),
        ([segment("q1", 20), segment("q2", 20)], ["q1", "q1", "q2", "q2", "q1"]),
        ([segment("q1", None), segment("q2", 20)], ["q1", "q1", "q2", "q2", "q1"]),
        ([segment("q1", 99), segment("q1", 100)], ["q1"] * 5),
        ([segment("", 10), segment("q1", 20)], ["q1"] * 5),
        ([segment("q1", 10), segment("", 15), segment("q2", 20)], ["q1", "q1", "q2", "q2", "q1"]),
        ([segment("", 0)], [None] * 5),
        ([segment(None, 0)], [None] * 5),
        ([], [None] * 5),
    ],
)
def test_a_metric_is_in_the_queue_in_which_its_session_was_when_it_was_emitted(table, stays, expected):
    metrics = [metric("nOffered", 1, minutes) for minutes in (5, 19, 20, 30, None)]
    rows = table("session_metrics", [session(metrics, stays)])
    assert [row["queue_id"] for row in rows] == expected


def test_at_the_instant_of_a_change_what_ends_is_in_the_queue_left(table):
    # In A from minute 0 to 31, then in B: A has an offer and its flow-out, B an offer and its answer.
    names = [("nOffered", 0), ("tFlowOut", 31), ("tAcd", 31), ("nOffered", 31), (None, 31), ("tAnswered", 40)]
    stays = [segment("A", 0), segment("B", 31)]
    metrics = [metric(name, 1, minutes) for name, minutes in names]
    rows = table("session_metrics", [session(metrics, stays)])
    assert [row["queue_id"] for row in rows] == ["A", "A", "A", "B", "B", "B"]


def test_what_ends_at_the_instant_of_two_changes_is_in_the_queue_left_before_both(table):
    stays = [segment("A", 0), segment("B", 31), segment("C", 31)]
    (row,) = table("session_metrics", [session([metric("tFlowOut", 1, 31)], stays)])
    assert row["queue_id"] == "A"


@pytest.mark.parametrize(
    ("name", "direction", "expected"),
    [("nConnected", "inbound", None), ("nConnected", "outbound", "q1"), ("nConnected", None, "q1"),
     ("tConnected", "inbound", "q1"), ("nOffered", "inbound", "q1"), (None, "inbound", "q1")],
)  # fmt: skip
def test_that_an_inbound_session_connected_is_in_no_queue(table, name, direction, expected):
    customers = session([metric(name, 1, 1)], [segment("q1", 1)]) | {"direction": direction}
    (row,) = table("session_metrics", [customers])
    assert row["queue_id"] == expected


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        ([segment("q1", 10), segment(None, 15), segment("q1", 20)], "q1"),
        ([segment("q1", 10), segment("q2", 20)], None),
        ([segment("q1", 10), segment("", 20)], "q1"),
        ([segment("", 10)], None),
        ([segment(None, 0)], None),
        ([], None),
    ],
)
def test_a_session_is_in_the_queue_that_its_segments_name_if_it_is_only_one(table, stays, expected):
    (row,) = table("sessions", [session([], stays)])
    assert row["queue_id"] == expected


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(sessions, max_size=3), min_size=1, max_size=5))
def test_the_metrics_of_any_conversations_are_in_the_queues_of_the_reconciliation(table, conversations):
    counted = Counter(
        (row["queue_id"], row["media_type"], row["name"])
        for row in table("session_metrics", *conversations)
        if row["value"] is not None and row["emit_date"] is not None and START <= row["emit_date"] < END
    )
    assert counted == {tuple(cell): total.count for cell, total in naive(conversations).items()}
