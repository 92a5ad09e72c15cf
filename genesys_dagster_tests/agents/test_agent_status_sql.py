"""The statement of `agent_status` agrees with a walk through the periods, whatever the periods are."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.records.user_status import PERIODS, of_kind
from genesys_dagster.sql import load
from genesys_dagster.sql.engine import query
from genesys_dagster_tests.agents.oracle import seconds_by_half_hour
from genesys_dagster_tests.schemas import AGENT_STATUS, AGENT_STATUS_DAILY

UTC_DAY = (datetime(2026, 5, 5, tzinfo=UTC), datetime(2026, 5, 6, tzinfo=UTC))
USERS = pa.table({"id": ["u"], "name": ["First Agent"]})
PRESENCES = {
    "OFFLINE": "offline",
    "ON_QUEUE": "on_queue",
    "AVAILABLE": "available",
    "BUSY": "busy",
    "AWAY": "away",
    "IDLE": "system_away",
    "BREAK": "break",
    "MEAL": "meal",
    "MEETING": "meeting",
    "TRAINING": "training",
    None: "unknown_presence",
}
ROUTINGS = {
    "IDLE": "idle",
    "INTERACTING": "interacting",
    "NOT_RESPONDING": "not_responding",
    "COMMUNICATING": "communicating",
    "OFF_QUEUE": "routing_off_queue",
    None: "unknown_routing",
}


def period(kind, start, end, status, user="u", definition=None):
    column = "system_presence" if kind == "presence" else "routing_status"
    return {
        "kind": kind,
        "user_id": user,
        "start_time": start,
        "end_time": end,
        column: status,
        "organization_presence_id": definition,
    }


def figures(periods, late=(), day=UTC_DAY, timezone="UTC"):
    table = pa.Table.from_pylist(periods, schema=PERIODS)
    sources = {
        "presence": of_kind(table, "presence"),
        "routing": of_kind(table, "routing_status"),
        "late": pa.Table.from_pylist(list(late), schema=PERIODS),
        "users": USERS,
    }
    parameters = {"day_start": day[0], "day_end": day[1], "timezone": timezone}
    batches = query(load("agents", "agent_status"), sources, AGENT_STATUS, parameters=parameters)
    return pa.Table.from_batches(batches, AGENT_STATUS)


def by_day(status, periods, late=(), day=UTC_DAY):
    table = pa.Table.from_pylist(periods, schema=PERIODS)
    sources = {
        "agent_status": status,
        "presence": of_kind(table, "presence"),
        "late": pa.Table.from_pylist(list(late), schema=PERIODS),
    }
    parameters = {"day_start": day[0], "day_end": day[1]}
    batches = query(load("agents", "agent_status_daily"), sources, AGENT_STATUS_DAILY, parameters=parameters)
    return pa.Table.from_batches(batches, AGENT_STATUS_DAILY).to_pylist()


def at(hours, day=UTC_DAY):
    return day[0] + timedelta(hours=hours)


def minutes(kinds):
    return st.lists(
        st.tuples(
            st.integers(-3 * 1440, 1500),
            st.one_of(st.none(), st.integers(0, 3000)),
            st.sampled_from([kind for kind in kinds if kind]),
        ),
        max_size=10,
        unique_by=lambda each: each[0],
    )


@settings(deadline=None, max_examples=60)
@given(minutes(PRESENCES), minutes(ROUTINGS))
def test_every_second_of_every_half_hour_is_where_a_walk_through_the_periods_finds_it(presences, routings):
    spans = {}
    for kind, found in (("presence", presences), ("routing_status", routings)):
        spans[kind] = sorted(
            (
                UTC_DAY[0] + timedelta(minutes=start),
                None if length is None else UTC_DAY[0] + timedelta(minutes=start + length),
                status,
            )
            for start, length, status in found
        )
    rows = figures([period(kind, *span) for kind, found in spans.items() for span in found]).to_pylist()
    touched = {kind: seconds_by_half_hour(found, *UTC_DAY) for kind, found in spans.items()}
    if not any(status for found in touched.values() for _, status in found):
        assert not rows
        return
    assert len(rows) == 48
    for row in rows:
        for kind, columns in (("presence", PRESENCES), ("routing_status", ROUTINGS)):
            for status, column in columns.items():
                expected = touched[kind].get((row["interval_start"], status), 0.0)
                assert row[f"{column}_seconds"] == pytest.approx(expected, abs=0.001), (row, status)
    (day,) = by_day(
        pa.Table.from_pylist(rows, schema=AGENT_STATUS),
        [period("presence", *span) for span in spans["presence"] if span[0] >= UTC_DAY[0]],
    )
    known = day["logged_in_seconds"] + day["offline_seconds"] + day["unknown_presence_seconds"]
    assert known == pytest.approx(86_400, abs=0.01)


@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-05-05", 24), ("2026-10-25", 25)])
def test_the_seconds_of_an_agents_day_add_up_to_the_day_when_clocks_change(date, hours):
    zone = ZoneInfo("Europe/Berlin")
    start = datetime.fromisoformat(date).replace(tzinfo=zone)
    day = (start.astimezone(UTC), (start + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC))
    spans = [
        period("presence", at(-50, day), at(8, day), "OFFLINE"),
        period("presence", at(8, day), None, "ON_QUEUE"),
        period("routing_status", at(8, day), None, "IDLE"),
    ]
    status = figures(spans, day=day, timezone="Europe/Berlin")
    assert status.num_rows == hours * 2
    assert len(set(status["interval_start"].to_pylist())) == hours * 2
    (found,) = by_day(status, spans, day=day)
    assert found["day"].isoformat() == date
    assert found["logged_in_seconds"] + found["offline_seconds"] == hours * 3600
    assert found["idle_seconds"] == (hours - 8) * 3600
    assert found["unknown_routing_seconds"] == 8 * 3600


def test_what_covers_the_whole_day_is_carried_on_and_absence_is_unknown_not_offline():
    rows = figures(
        [
            period("presence", at(-24 * 50), None, "OFFLINE", user="on leave"),
            period("presence", at(-30), at(-20), "OFFLINE", user="known no more"),
            period("presence", at(20), None, "AVAILABLE", user="came late"),
        ]
    ).to_pylist()
    on_leave = [row for row in rows if row["user_id"] == "on leave"]
    assert sum(row["offline_seconds"] for row in on_leave) == 86_400
    assert not [row for row in rows if row["user_id"] == "known no more"]
    came_late = [row for row in rows if row["user_id"] == "came late"]
    assert sum(row["unknown_presence_seconds"] for row in came_late) == 20 * 3600
    assert sum(row["offline_seconds"] for row in came_late) == 0


def test_a_period_that_ended_on_the_day_ends_there_although_its_own_partition_still_has_it_open():
    began = period("presence", at(-14), None, "OFFLINE")
    ended = {**began, "end_time": at(8)}
    rows = figures([began], late=[ended])
    assert sum(rows["offline_seconds"].to_pylist()) == 8 * 3600
    (day,) = by_day(rows, [], late=[ended])
    assert day["first_login"] == at(8)


def test_an_open_period_that_was_never_told_to_end_lasts_until_the_next_one():
    rows = figures(
        [period("presence", at(-14), None, "BREAK"), period("presence", at(9), at(10), "ON_QUEUE")]
    )
    assert sum(rows["break_seconds"].to_pylist()) == 9 * 3600
    assert sum(rows["on_queue_seconds"].to_pylist()) == 3600


def test_first_login_and_last_logout_are_the_ends_of_being_offline():
    spans = [
        period("presence", at(-14), at(8), "OFFLINE"),
        period("presence", at(8), at(12), "ON_QUEUE"),
        period("presence", at(12), at(12.5), "OFFLINE"),
        period("presence", at(12.5), at(17), "AVAILABLE"),
        period("presence", at(17), at(18), "OFFLINE"),
        period("presence", at(18), None, "OFFLINE", definition="on holiday"),
    ]
    (day,) = by_day(figures(spans), spans[1:], late=spans[:1])
    assert (day["first_login"], day["last_logout"]) == (at(8), at(17))


def test_who_worked_over_midnight_has_no_login_until_the_next_one():
    spans = [period("presence", at(-3), at(5), "ON_QUEUE"), period("presence", at(5), None, "OFFLINE")]
    (day,) = by_day(figures(spans), spans[1:], late=spans[:1])
    assert (day["first_login"], day["last_logout"]) == (None, at(5))
    assert day["on_queue_seconds"] == 5 * 3600


def test_occupancy_is_interacting_over_interacting_communicating_and_idle():
    spans = [
        period("routing_status", at(8), at(10), "INTERACTING"),
        period("routing_status", at(10), at(11), "IDLE"),
        period("routing_status", at(11), at(12), "COMMUNICATING"),
        period("routing_status", at(12), at(15), "NOT_RESPONDING"),
        period("routing_status", at(15), at(24), "OFF_QUEUE"),
    ]
    rows = figures(spans)
    (day,) = by_day(rows, [])
    assert day["occupancy"] == 0.5
    by_half_hour = {row["half_hour"]: row["occupancy"] for row in rows.to_pylist()}
    assert (by_half_hour["08:00"], by_half_hour["10:30"], by_half_hour["13:00"]) == (1.0, 0.0, None)


def test_seconds_by_presence_definition_add_up_over_half_hours():
    spans = [
        period("presence", at(8), at(8.75), "BREAK", definition="smoke"),
        period("presence", at(8.75), at(9), "BREAK", definition="lunch"),
        period("presence", at(9), at(10), "BREAK", definition="smoke"),
    ]
    (day,) = by_day(figures(spans), spans)
    assert dict(day["presence_definition_seconds"]) == {"lunch": 900.0, "smoke": 6300.0}
    assert day["break_seconds"] == 7200.0
