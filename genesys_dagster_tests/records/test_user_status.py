"""Pages of user details as rows: nothing lost, nothing double, the closed copy kept."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.records.errors import DecodeError
from genesys_dagster.records.user_status import (
    PERIODS,
    USER_PRESENCE,
    as_periods,
    began_before,
    began_in,
    distinct,
    of_kind,
    read_periods,
)

# As published by people who asked a real org, ids cut and made whole again.
PUBLISHED = {
    "userDetails": [
        {
            "userId": "9d1f0c52-0000-4000-8000-000000000001",
            "primaryPresence": [
                {
                    "startTime": "2025-08-16T00:05:00.604Z",
                    "endTime": "2025-08-18T15:58:06.305Z",
                    "systemPresence": "OFFLINE",
                    "organizationPresenceId": "ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5",
                }
            ],
            "routingStatus": [
                {
                    "startTime": "2025-08-16T00:05:01.528Z",
                    "endTime": "2025-08-18T16:01:01.450Z",
                    "routingStatus": "OFF_QUEUE",
                }
            ],
        }
    ],
    "totalHits": 70191,
}
START = datetime(2026, 5, 4, 8, tzinfo=UTC)


def page(*users):
    return json.dumps({"userDetails": list(users)}).encode()


def rows(*periods):
    """Presences of one user: (minute of start, minute of end or None, status)."""
    table = [
        {
            "kind": "presence",
            "user_id": "u",
            "start_time": START + timedelta(minutes=begin),
            "end_time": None if end is None else START + timedelta(minutes=end),
            "system_presence": status,
        }
        for begin, end, status in periods
    ]
    return pa.Table.from_pylist(table, schema=PERIODS)


def seen(table):
    def minutes(moment):
        return None if moment is None else (moment - START) // timedelta(minutes=1)

    return [
        (minutes(row["start_time"]), minutes(row["end_time"]), row["system_presence"])
        for row in table.to_pylist()
    ]


def test_a_published_answer_becomes_one_row_per_period_of_either_kind():
    read = read_periods(json.dumps(PUBLISHED).encode())
    presence, routing = read.rows.to_pylist()
    assert presence["system_presence"] == "OFFLINE"
    assert presence["end_time"] - presence["start_time"] == timedelta(
        days=2, hours=15, minutes=53, seconds=5, milliseconds=701
    )
    assert routing["routing_status"] == "OFF_QUEUE"
    assert routing["system_presence"] is None
    assert not read.unknown_fields


@pytest.mark.parametrize(
    "body", [b'{"totalHits":0}', b'{"userDetails":null}', b'{"userDetails":[]}', page({"userId": "u"})]
)
def test_an_answer_without_periods_has_no_rows(body):
    assert read_periods(body).rows.num_rows == 0


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"userDetails":{}}', b"{", page({"primaryPresence": []}), page("u"), page({"userId": 7})],
)
def test_what_is_no_page_of_user_details_is_refused(body):
    with pytest.raises(DecodeError):
        read_periods(body)


def test_what_the_columns_cannot_hold_is_kept_with_its_path_and_counted():
    read = read_periods(
        page(
            {
                "userId": "u",
                "divisionId": "d",
                "primaryPresence": [
                    {"startTime": "2026-05-04T08:00:00.000Z", "systemPresence": "BREAK", "reason": {"a": 1}},
                    {"startTime": "2026-05-04T09:00:00.0001Z", "systemPresence": 5},
                ],
            }
        )
    )
    first, second = read.rows.to_pylist()
    assert json.loads(first["unknown_fields"]) == {"userDetail.divisionId": "d", "reason": {"a": 1}}
    assert json.loads(second["unknown_fields"]) == {
        "startTime": "2026-05-04T09:00:00.0001Z",
        "systemPresence": 5,
    }
    assert (second["start_time"], second["system_presence"]) == (None, None)
    assert read.unknown_fields == {
        "userDetail.divisionId": 1,
        "reason": 1,
        "startTime": 1,
        "systemPresence": 1,
    }


def test_the_same_start_once_open_and_once_closed_is_one_closed_period():
    found = distinct(rows((0, None, "BREAK"), (0, 30, "BREAK"), (0, None, "BREAK")))
    assert seen(found.rows) == [(0, 30, "BREAK")]
    assert (found.dropped, found.contradictory) == (2, 0)


def test_of_two_periods_that_start_in_the_same_millisecond_the_longer_stays_and_the_other_is_told():
    found = distinct(rows((0, 0, "AVAILABLE"), (0, 30, "ON_QUEUE")))
    assert seen(found.rows) == [(0, 30, "ON_QUEUE")]
    assert (found.dropped, found.contradictory) == (1, 1)


def test_a_presence_and_a_routing_status_that_start_in_the_same_millisecond_are_two_periods():
    start = "2026-05-04T08:00:00.000Z"
    read = read_periods(
        page(
            {
                "userId": "u",
                "primaryPresence": [{"startTime": start, "systemPresence": "ON_QUEUE"}],
                "routingStatus": [{"startTime": start, "routingStatus": "IDLE"}],
            }
        )
    )
    assert distinct(read.rows).rows.num_rows == 2


def test_an_end_that_was_known_is_not_forgotten_for_an_open_copy_and_gives_way_to_a_newer_end():
    older = rows((0, 30, "BREAK"), (60, 90, "MEAL"))
    assert seen(distinct(rows((0, None, "BREAK"), (60, 80, "MEAL")), older).rows) == [
        (0, 30, "BREAK"),
        (60, 80, "MEAL"),
    ]


PERIOD = st.tuples(
    st.integers(0, 5), st.one_of(st.none(), st.integers(0, 9)), st.sampled_from(["BREAK", "MEAL"])
)


@given(st.lists(PERIOD, max_size=12))
def test_distinct_keeps_one_of_each_start_and_never_an_open_one_where_a_closed_one_came(periods):
    found = distinct(rows(*periods))
    kept = seen(found.rows)
    assert [start for start, _, _ in kept] == sorted({start for start, _, _ in periods})
    assert len(kept) + found.dropped == len(periods)
    for start, end, status in kept:
        same = [period for period in periods if period[0] == start]
        ends = [end for _, end, _ in same if end is not None]
        assert end == (max(ends) if ends else None)
        assert (start, end, status) in same


@given(st.lists(PERIOD, max_size=12), st.integers(0, 5), st.integers(1, 5))
def test_what_began_in_a_window_and_what_went_on_into_it_do_not_overlap(periods, begin, length):
    table = rows(*periods)
    start, end = (START + timedelta(minutes=minutes) for minutes in (begin, begin + length))
    assert seen(table.filter(began_in(table, start, end))) == [
        period for period in periods if begin <= period[0] < begin + length
    ]
    assert seen(table.filter(began_before(table, start))) == [
        period for period in periods if period[0] < begin and (period[1] is None or period[1] >= begin)
    ]


def test_rows_of_a_kind_go_to_its_table_and_back():
    table = rows((0, 30, "BREAK"))
    presence = of_kind(table, "presence")
    assert presence.schema == USER_PRESENCE
    assert as_periods([presence], "presence").equals(table)
    assert of_kind(table, "routing_status").num_rows == 0
