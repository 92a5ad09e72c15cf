"""A day of user status is the org's own truth about it, whatever it came from, and never gets worse."""

from collections import defaultdict
from datetime import date, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from genesys_dagster.assets import terms
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.extract import user_status
from genesys_dagster.records.user_status import Periods
from genesys_dagster.sandbox.times import from_datetime
from genesys_dagster_tests.agents.conftest import DAY, END, PULLED, START, said
from genesys_dagster_tests.conftest import submitted_before_the_first_page

CLOCKS = {"user_presence": "primaryPresence", "user_routing_status": "routingStatus"}
STATUS = {"user_presence": "system_presence", "user_routing_status": "routing_status"}
NOON = START + timedelta(hours=12)


def truth(sandbox, name, start=START, end=END, as_of=END + timedelta(hours=33)):
    """What began in a window, from the org's timelines: (user, start, end if over by then, status)."""
    time, moment = sandbox.time, from_datetime(as_of)
    begin, limit = from_datetime(start), from_datetime(end)
    return sorted(
        (user, period.start, period.ended(moment), period.status)
        for user in time.user_ids
        for period in time.periods(user, CLOCKS[name], begin, limit, moment)
        if begin <= period.start < limit
    )


def stored(lake, name, day=DAY):
    def ms(instant):
        return None if instant is None else from_datetime(instant)

    return sorted(
        (row["user_id"], ms(row["start_time"]), ms(row["end_time"]), row[STATUS[name]])
        for row in lake.table_of(name, day).to_pylist()
    )


@pytest.mark.parametrize("source", ["job", "query"])
@pytest.mark.parametrize("name", list(CLOCKS))
def test_a_day_holds_what_began_on_it_each_period_once_and_whole(pull, sandbox, lake, source, name):
    outcome = pull(source=source)
    assert outcome.success
    assert stored(lake, name) == truth(sandbox, name)
    assert said(outcome, name)["source"] == source
    assert said(outcome, "late_user_status")["dagster/partition_row_count"] > 20


def test_auto_takes_the_query_until_the_users_own_watermark_has_passed_the_day(pull, sandbox):
    sandbox.settings.availability = END + timedelta(hours=9)  # that of conversations has
    assert said(pull(watermark=END - timedelta(minutes=1)), "user_presence")["source"] == "query"
    assert said(pull(watermark=END), "user_presence")["source"] == "job"


def test_one_pull_brings_all_three_tables_and_a_part_of_them_only_that(pull, sandbox, lake):
    requests = said(pull(), "user_presence")["api_requests"]
    assert requests == len([request for request in sandbox.requests if request.path.startswith("/api/")])
    lake.clear()
    outcome = pull(names=["user_presence"])
    assert [each.asset_key.path for each in outcome.materializations] == [["user_presence"]]


@pytest.mark.parametrize(("ahead", "before_the_first_page"), [({}, 3), ({"jobs_ahead": 0}, 1)])
def test_jobs_of_the_next_days_of_a_run_are_made_while_one_is_read(
    pull, sandbox, ahead, before_the_first_page
):
    sandbox.settings.job_delay = 0.3
    assert pull(DAY - timedelta(days=2), DAY, **ahead).success
    assert submitted_before_the_first_page(sandbox) == (before_the_first_page, 3)
    assert sandbox.jobs == {}


def test_several_days_in_one_run_hold_the_same_as_each_alone(pull, lake):
    days = [DAY - timedelta(days=1), DAY]
    pull(days[0])
    pull(days[1])
    alone = {(name, day): lake.table_of(name, day) for name in PULLED for day in days}
    lake.clear()
    assert pull(*days).success
    assert all(lake.table_of(name, day).equals(table) for (name, day), table in alone.items())


def test_a_period_that_ends_on_a_later_day_is_closed_where_it_began_without_a_request(
    pull, update, sandbox, lake
):
    early, late = END + timedelta(minutes=1), END + timedelta(hours=30)
    pull(now=early)
    assert [row for row in stored(lake, "user_presence") if row[2] is None]
    following = pull(DAY + timedelta(days=1), now=late)
    assert str(DAY) in said(following, "late_user_status")["days"]
    sandbox.requests.clear()
    outcome = update(DAY, now=late)
    assert outcome.success
    assert not [request for request in sandbox.requests if request.path.startswith("/api/")]
    assert said(outcome, "user_presence")["updated_from"] == [str(DAY + timedelta(days=1))]
    for name in CLOCKS:
        assert stored(lake, name) == truth(sandbox, name, as_of=late)


def test_a_day_that_was_never_pulled_is_pulled_whole_where_an_update_is_asked_for(update, sandbox, lake):
    assert said(update(DAY), "user_presence")["pages"] > 0
    assert stored(lake, "user_presence") == truth(sandbox, "user_presence")


def test_a_day_that_was_cut_in_another_time_zone_is_pulled_whole_where_an_update_is_asked_for(
    pull, update, sandbox, lake
):
    berlin = GenesysCloud.from_environment(start="2026-05-01", timezone="Europe/Berlin")
    pull()
    assert said(update(DAY, org=berlin), "user_presence")["pages"] > 0
    window = berlin.days.window(str(DAY))
    assert stored(lake, "user_presence") == truth(sandbox, "user_presence", window.start, window.end)


def test_an_end_that_is_known_is_not_forgotten_for_an_answer_that_has_the_period_open(pull, sandbox, lake):
    pull()
    known = stored(lake, "user_presence")
    assert pull(now=END + timedelta(minutes=1)).success  # an answer of before
    assert stored(lake, "user_presence") == known


@pytest.mark.parametrize("source", ["job", "query"])
def test_copies_that_are_open_and_twins_that_last_no_time_change_nothing(pull, sandbox, lake, source):
    sandbox.faults.reopened_periods = sandbox.faults.twin_starts = True
    outcome = pull(source=source)
    for name in CLOCKS:
        assert stored(lake, name) == truth(sandbox, name)
    found = said(outcome, "user_presence")
    assert found["duplicates_dropped"] > 0
    assert found["contradictory_dropped"] == 0


def test_a_pull_that_lacks_what_is_stored_is_refused_in_one_sentence_and_accepted_on_request(
    pull, sandbox, lake, monkeypatch
):
    pull()
    before = stored(lake, "user_presence")
    read = user_status.read_periods

    def fewer(*args):
        rows, unknown = read(*args)
        return Periods(rows.filter(pc.greater_equal(rows["user_id"], "8")), unknown)

    monkeypatch.setattr(user_status, "read_periods", fewer)
    outcome = pull()
    assert "stored periods are gone from what Genesys Cloud answers" in outcome.failure
    assert "accept_loss" in outcome.failure
    assert stored(lake, "user_presence") == before
    assert pull(config={"accept_loss": True}).success
    assert len(stored(lake, "user_presence")) < len(before)


def test_a_missing_permission_is_named_and_nothing_is_written(pull, sandbox, lake):
    sandbox.settings.permissions = sandbox.settings.permissions - {"analytics:userDetail:view"}
    outcome = pull()
    assert "analytics:userDetail:view" in outcome.failure
    assert not outcome.was_retried
    assert lake.keys() == []


def test_conversations_are_exported_as_if_nothing_were_asked_where_the_permission_is_missing(export, sandbox):
    sandbox.settings.permissions = sandbox.settings.permissions - {"analytics:userDetail:view"}
    assert export().success


def test_a_day_that_is_not_over_is_refused_before_anything_is_asked(pull, sandbox, monkeypatch):
    monkeypatch.setattr(terms, "datetime", SimpleNamespace(now=lambda _: END - timedelta(seconds=1)))
    assert "is not over yet" in pull().failure
    assert not sandbox.requests


def test_the_half_hours_of_days_in_a_row_are_those_of_the_orgs_own_timelines(pull, run, sandbox, lake):
    """Computed again without SQL, second by second, for every user, half hour and status."""
    days = [DAY - timedelta(days=1), DAY]
    run(["users"])
    for day in days:
        assert pull(day).success
    assert run(["agent_status"], DAY).success
    table = lake.table_of("agent_status", DAY).to_pylist()
    time, compared = sandbox.time, 0
    columns = {"ON_QUEUE": "on_queue_seconds", "OFFLINE": "offline_seconds", "MEAL": "meal_seconds"}
    columns |= {"INTERACTING": "interacting_seconds", "NOT_RESPONDING": "not_responding_seconds"}
    now = from_datetime(END + timedelta(hours=33))
    expected = defaultdict(float)
    for user in time.user_ids:
        for clock in CLOCKS.values():
            for period in time.periods(user, clock, from_datetime(START), from_datetime(END), now):
                if period.status in columns:
                    for slot in range(48):
                        begin = from_datetime(START) + slot * 1_800_000
                        shared = min(period.ended(now) or now, begin + 1_800_000) - max(period.start, begin)
                        expected[user, begin, period.status] += max(0, shared) / 1000
    for row in table:
        for status, column in columns.items():
            key = (row["user_id"], from_datetime(row["interval_start"]), status)
            assert row[column] == pytest.approx(expected.pop(key, 0.0), abs=0.001)
            compared += 1
    assert compared > 5_000
    assert not [key for key, seconds in expected.items() if seconds and key[2] != "OFFLINE"]


def test_the_times_of_each_agents_day_add_up_to_the_day(pull, run, lake):
    assert pull().success
    run(["users"])
    run(["agent_status"], DAY)
    assert run(["agent_status_daily"], DAY).success
    rows = lake.table_of("agent_status_daily", DAY).to_pylist()
    assert len(rows) > 20
    for row in rows:
        presence = row["logged_in_seconds"] + row["offline_seconds"] + row["unknown_presence_seconds"]
        assert presence == pytest.approx(86_400, abs=0.01)
        routing = sum(
            row[f"{status}_seconds"]
            for status in (
                "idle", "interacting", "communicating", "not_responding", "routing_off_queue", "unknown_routing",
            )
        )  # fmt: skip
        assert routing == pytest.approx(86_400, abs=0.01)


def test_what_was_open_is_carried_over_days_that_are_there_and_not_over_a_hole(pull, run, sandbox, lake):
    monday = date(2026, 5, 11)
    days = [monday - timedelta(days=age) for age in (3, 2, 1, 0)]
    run(["users"])
    for day in days:
        pull(day)
    sunday = days[2]

    def unknown(after):
        run(["agent_status"], after)
        return sum(lake.table_of("agent_status", after)["unknown_presence_seconds"].to_pylist())

    whole = unknown(sunday)
    lake.client.delete_object(
        Bucket=lake.bucket, Key=lake.key(days[1]).replace("conversation_details", PULLED[0])
    )
    assert said(run(["agent_status"], sunday), "agent_status")["days_read"] == 1
    assert unknown(sunday) >= whole


def test_what_goes_on_may_be_missing_among_late_periods_and_what_ended_may_not(pull, lake, monkeypatch):
    """That a period which covers the day is told with it is not documented; that one which ended on it is, is."""
    read = user_status.read_periods
    going_on = {
        "kind": ["presence"] * 40,
        "user_id": [f"user {number}" for number in range(40)],
        "start_time": [START - timedelta(days=3)] * 40,
        "system_presence": ["OFFLINE"] * 40,
    }

    def more(*args):
        rows, unknown = read(*args)
        columns = [pa.array(going_on.get(field.name, [None] * 40), field.type) for field in rows.schema]
        return Periods(pa.concat_tables([rows, pa.table(columns, schema=rows.schema)]), unknown)

    def fewer(*args):
        rows, unknown = read(*args)
        ended = pc.fill_null(pc.less(rows["start_time"], pa.scalar(START, rows["start_time"].type)), False)
        return Periods(rows.filter(pc.invert(ended)), unknown)

    monkeypatch.setattr(user_status, "read_periods", more)
    assert pull().success
    assert lake.table_of("late_user_status", DAY)["end_time"].null_count >= 40
    monkeypatch.setattr(user_status, "read_periods", read)
    assert pull().success
    monkeypatch.setattr(user_status, "read_periods", fewer)
    assert "stored periods are gone" in pull().failure
