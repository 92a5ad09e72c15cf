"""Nightly reprocessing: records change once more, days after their conversations' end, for whoever asks then."""

from datetime import UTC, date, datetime, timedelta

import pytest

from genesys_dagster.sandbox.emissions import emissions
from genesys_dagster.sandbox.interval import Interval, active_during
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.reprocessing import last_night
from genesys_dagster.sandbox.rows import decode, encode
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.settings import SandboxSettings
from genesys_dagster.sandbox.times import DAY, HOUR, day_number, to_datetime
from genesys_dagster_tests.sandbox.conftest import Api
from genesys_dagster_tests.sandbox.test_records import sessions, total

MONDAY = date(2026, 11, 16)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
INTERVAL = "2026-11-16T00:00:00.000Z/2026-11-17T00:00:00.000Z"


def org_of(share: float) -> Org:
    return Org(conversations_per_day=400, reprocessed=share, now=lambda: LATER)


@pytest.fixture(scope="module")
def org() -> Org:
    return org_of(0.3)


@pytest.fixture(scope="module")
def never() -> Org:
    return org_of(0.0)


@pytest.fixture(scope="module")
def changed(org):
    return [row for row in org.rows_of_day(day_number(MONDAY)) if row.reprocessed is not None]


def without(record: dict, *keys: str) -> dict:
    """The record without some keys of its sessions."""
    record = decode(encode(record))
    for _, session in sessions(record):
        for key in keys:
            session.pop(key, None)
    return record


def test_it_comes_at_night_when_the_conversation_is_over_for_two_days_and_within_the_plan(org, changed):
    assert 0.15 * org.count(MONDAY) < len(changed) < 0.35 * org.count(MONDAY)
    for row in changed:
        assert row.reprocessed % DAY == 3 * HOUR
        assert 2 * DAY <= row.reprocessed - row.end <= 10 * DAY
        assert row.reprocessed in row.late
        assert list(row.late) == sorted(row.late)


def test_a_record_is_as_ever_until_that_night_and_different_from_then_on(org, never, changed):
    for row in changed:
        night = to_datetime(row.reprocessed)
        before = org.record(row.conversation_id, night - MILLISECOND)
        assert before == never.record(row.conversation_id, night - MILLISECOND)
        after = org.record(row.conversation_id, night)
        assert after != never.record(row.conversation_id, night)
        assert (
            without(after, "segments", "metrics", "acwSkipped")
            == without(before, "segments", "metrics", "acwSkipped")
            or row.late.count(row.reprocessed) > 1
        )


def test_wrap_up_segments_come_late_and_times_and_values_change_without_a_trace(org, never, changed):
    late_segments = moved = 0
    for row in changed:
        before, after = (world.record(row.conversation_id) for world in (never, org))
        for (_, old), (_, new) in zip(sessions(before), sessions(after), strict=True):
            late_segments += len(new["segments"]) - len(old["segments"])
            moved += new.get("metrics") != old.get("metrics")
        assert before["conversationEnd"] == after["conversationEnd"]
    assert late_segments > 3
    assert moved > 30


def test_sums_stay_right(org):
    for record in org.day(MONDAY):
        for participant, session in sessions(record):
            values = {metric["name"]: metric["value"] for metric in session.get("metrics", ())}
            if participant["purpose"] == "agent" and "tHandle" in values:
                assert values.get("tTalkComplete", 0) == total(session, "interact")
                assert values.get("tAcw", 0) == total(session, "wrapup")


def test_all_other_conversations_are_the_same(org, never, changed):
    concerned = {row.conversation_id for row in changed}
    for ours, theirs in zip(org.day(MONDAY), never.day(MONDAY), strict=True):
        assert (ours != theirs) == (ours["conversationId"] in concerned)
    assert [row.late for row in never.rows_of_day(day_number(MONDAY))] == [
        tuple(at for at in row.late if at != row.reprocessed) for row in org.rows_of_day(day_number(MONDAY))
    ]


def test_long_conversations_are_known_alike_whichever_way_they_are_found(org):
    first = day_number(MONDAY)
    interval = Interval(first * DAY, (first + 1) * DAY)
    long = [row for row in active_during(org, interval) if row.start < interval.start and row.reprocessed]
    assert long
    for row in long:
        for as_of in (row.reprocessed - 1, row.reprocessed):
            day = row.start // DAY
            found = {
                r["conversationId"]: r
                for r in (known for known, _ in org.long_records(day, first - day, as_of))
            }
            assert found[row.conversation_id] == decode(org.body(row, as_of))


def test_memory_that_was_freed_makes_no_difference(org):
    small = Org(conversations_per_day=400, reprocessed=0.3, now=lambda: LATER, bodies_in_memory=50_000)
    assert small.day(MONDAY) == small.day(MONDAY) == org.day(MONDAY)
    emitted = [[list(emissions(each, record)) for record in org.day(MONDAY)] for each in (small, small, org)]
    assert emitted[0] == emitted[1] == emitted[2]
    assert any("queueId" in one.dimensions for of_record in emitted[0] for one in of_record)


def test_every_endpoint_tells_the_truth_of_the_moment(org, changed):
    row = changed[0]
    night = to_datetime(row.reprocessed)
    settings = SandboxSettings(now=lambda: night, availability=timedelta(0), requests_per_minute=10_000)
    with SandboxServer(org_of(0.3), settings=settings) as server:
        api = Api(server)
        for moment in (night - MILLISECOND, night, night - MILLISECOND):
            settings.now = lambda moment=moment: moment
            truth = org.day(MONDAY, moment)
            assert api.results(api.job(INTERVAL, startOfDayIntervalMatching=True)) == truth
            ids = [record["conversationId"] for record in api.query_all(INTERVAL)]
            assert ids == [record["conversationId"] for record in truth]
            (one,) = (r for r in api.query_all(INTERVAL) if r["conversationId"] == row.conversation_id)
            (same,) = (r for r in truth if r["conversationId"] == row.conversation_id)
            assert [s for _, s in sessions(one)] == [s for _, s in sessions(same)]
            direct = api.http.get(f"/api/v2/analytics/conversations/{row.conversation_id}/details").json()
            assert [s for _, s in sessions(direct)] == [s for _, s in sessions(same)]


def test_a_job_knows_no_more_than_the_lake(org, changed):
    night = to_datetime(changed[0].reprocessed)
    settings = SandboxSettings(now=lambda: night, availability=timedelta(hours=6))
    with SandboxServer(org_of(0.3), settings=settings) as server:
        api = Api(server)
        rows = api.results(api.job(INTERVAL, startOfDayIntervalMatching=True))
    assert rows == org.day(MONDAY, night - timedelta(hours=6)) != org.day(MONDAY, night)


def test_aggregates_follow_with_the_night(org, changed):
    settings = SandboxSettings(requests_per_minute=10_000)
    sums = []
    with SandboxServer(org_of(0.3), settings=settings) as server:
        api = Api(server)
        for night in (to_datetime(last_night(changed[0].reprocessed)) + timedelta(days=n) for n in (-1, 0)):
            settings.now = lambda night=night: night
            ids = [row.conversation_id for row in changed[:60]]
            predicates = [{"dimension": "conversationId", "value": one} for one in ids]
            body = {
                "interval": INTERVAL,
                "metrics": ["tAcw"],
                "filter": {"type": "or", "predicates": predicates},
            }
            answer = api.http.post("/api/v2/analytics/conversations/aggregates/query", json=body).json()
            sums.append(answer["results"][0]["data"][0]["metrics"][0]["stats"]["sum"])
            expected = sum(
                emission.value
                for one in ids
                for emission in emissions(org, org.record(one, night))
                if emission.name == "tAcw" and emission.at // DAY == day_number(MONDAY)
            )
            assert sums[-1] == expected
    assert sums[0] < sums[1]
