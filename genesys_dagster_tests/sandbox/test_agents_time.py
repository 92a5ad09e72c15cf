"""Agents' time as it truly was: without a gap, and as the org's conversations say."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.sandbox.agents_time.people import people
from genesys_dagster.sandbox.agents_time.presences import RETIRED_AT, Presences
from genesys_dagster.sandbox.agents_time.routing import routing_of_day
from genesys_dagster.sandbox.agents_time.shifts import presence_of_day
from genesys_dagster.sandbox.agents_time.spans import Piece, gaps, joined, painted
from genesys_dagster.sandbox.agents_time.timeline import CLOCKS, AgentsTime
from genesys_dagster.sandbox.agents_time.work import Work
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import DAY, HOUR, MINUTE, SECOND, from_datetime, from_iso

LATER = from_iso("2027-06-01")
MONDAY = from_iso("2026-11-16")
WEEK = MONDAY, MONDAY + 7 * DAY
SMALL = Org(conversations_per_day=20)
HANDLING = {"interact", "hold", "wrapup"}


def an_org(**fields) -> Org:
    return Org(conversations_per_day=60, now=lambda: datetime(2027, 6, 1, tzinfo=UTC), **fields)


@pytest.fixture(scope="module")
def org() -> Org:
    return an_org()


@pytest.fixture(scope="module")
def time(org) -> AgentsTime:
    return AgentsTime(org)


@pytest.fixture(scope="module")
def presence(time):
    return {user: time.periods(user, "primaryPresence", *WEEK, LATER) for user in time.user_ids}


@pytest.fixture(scope="module")
def routing(time):
    return {user: time.periods(user, "routingStatus", *WEEK, LATER) for user in time.user_ids}


@pytest.fixture(scope="module")
def segments(org):
    """(user, purpose, segment type, start, end, disconnect type) of all segments that touch the week."""
    found = []
    for day in range(-46, 7):
        for record in org.day(date(2026, 11, 16) + timedelta(days=day)):
            for participant in record["participants"]:
                for session in participant["sessions"]:
                    for segment in session["segments"]:
                        start, end = from_iso(segment["segmentStart"]), from_iso(segment["segmentEnd"])
                        if "userId" in participant and end > WEEK[0] and start < WEEK[1] and start < end:
                            kind = segment["segmentType"]
                            found.append(
                                (participant["userId"], participant["purpose"], kind, start, end,
                                 segment.get("disconnectType"))
                            )  # fmt: skip
    return found


def during(periods, start, end):
    return [period for period in periods if period.start < end and period.end > start]


def test_every_period_ends_when_the_next_one_begins(presence, routing):
    for periods in [*presence.values(), *routing.values()]:
        assert all(before.end == after.start for before, after in pairwise(periods))
        assert all(period.start < period.end for period in periods)
        assert all(
            (before.status, before.definition_id) != (after.status, after.definition_id)
            for before, after in pairwise(periods)
        )
        if periods:
            assert periods[0].start <= WEEK[0]
            assert periods[-1].end >= WEEK[1]


def test_who_handles_a_conversation_is_interacting(routing, segments):
    handled = 0
    for user, purpose, kind, start, end, _ in segments:
        if purpose == "agent" and kind in HANDLING:
            inside = max(start, WEEK[0]), min(end, WEEK[1])
            assert {period.status for period in during(routing[user], *inside)} == {"INTERACTING"}
            handled += 1
    assert handled > 500


def test_nobody_is_interacting_who_handles_nothing(routing, segments):
    works = defaultdict(list)
    for user, purpose, kind, start, end, _ in segments:
        if purpose == "agent" and kind in HANDLING | {"contacting", "dialing"}:
            works[user].append((start, end))
    for user, periods in routing.items():
        interacting = [(p.start, p.end) for p in periods if p.status == "INTERACTING"]
        inside = [span for span in union(works[user]) if span[1] > WEEK[0] and span[0] < WEEK[1]]
        assert interacting == inside


def union(spans):
    edges = Counter()
    for start, end in spans:
        edges[start] += 1
        edges[end] -= 1
    open_, result = 0, []
    for at in sorted(edges):
        if not open_ and edges[at] > 0:
            begun = at
        if open_ and open_ + edges[at] == 0:
            result.append((begun, at))
        open_ += edges[at]
    return result


def test_who_is_rung_is_on_queue_and_who_works_is_logged_in(presence, segments):
    rung = 0
    for user, purpose, kind, start, end, _ in segments:
        found = {period.status for period in during(presence[user], max(start, WEEK[0]), min(end, WEEK[1]))}
        if purpose == "agent" and kind == "alert":
            assert found == {"ON_QUEUE"}
            rung += 1
        elif purpose == "agent" and kind in HANDLING:
            assert "OFFLINE" not in found
    assert rung > 100


def test_an_alert_that_nobody_answers_makes_not_responding(routing, segments):
    missed = [each for each in segments if each[5] == "noAnswerTransfer"]
    after = [
        period.status
        for user, *_, end, _ in missed
        for period in routing[user]
        if end <= period.start < end + SECOND
    ]
    assert after.count("NOT_RESPONDING") > len(missed) / 2
    ends = {(user, end) for user, *_, end, _ in missed}
    for user, periods in routing.items():
        for period in periods:
            if period.status == "NOT_RESPONDING":
                assert any((user, at) in ends for at in range(period.start - SECOND, period.start + 1))


def test_idle_means_on_queue_and_the_clocks_differ_by_less_than_a_second(presence, routing):
    shifted = 0
    for user, periods in routing.items():
        for period in periods:
            if period.status in {"IDLE", "OFF_QUEUE"}:
                overlapping = during(presence[user], period.start + SECOND, period.end - SECOND)
                assert {each.status == "ON_QUEUE" for each in overlapping} <= {period.status == "IDLE"}
        starts = {period.start for period in presence[user]}
        shifted += sum(0 < period.start - start < SECOND for period in periods for start in starts)
    assert shifted > 200


def test_some_set_a_break_while_they_still_interact(presence, routing):
    early = [
        (user, period)
        for user, periods in presence.items()
        for period in periods
        if period.status in {"BREAK", "MEAL"}
        and any(
            each.status == "INTERACTING" and each.start < period.start < each.end for each in routing[user]
        )
    ]
    assert early


def test_every_status_occurs(time, presence, routing):
    assert {period.status for periods in presence.values() for period in periods} == {
        "AVAILABLE", "AWAY", "BREAK", "BUSY", "IDLE", "MEAL", "MEETING", "OFFLINE", "ON_QUEUE", "TRAINING",
    }  # fmt: skip
    assert {period.status for periods in routing.values() for period in periods} == {
        "COMMUNICATING", "IDLE", "INTERACTING", "NOT_RESPONDING", "OFF_QUEUE",
    }  # fmt: skip
    used = {period.definition_id for periods in presence.values() for period in periods}
    known = {each.definition_id for each in time.presences.all}
    assert used == known - {time.presences.short.definition_id}


def test_agents_are_offline_at_night_and_nearly_so_at_weekends(presence):
    def offline(start, end):
        time_offline = sum(
            min(period.end, end) - max(period.start, start)
            for periods in presence.values()
            for period in during(periods, start, end)
            if period.status == "OFFLINE"
        )
        return time_offline / (end - start) / len(presence)

    assert offline(MONDAY + 27 * HOUR, MONDAY + 29 * HOUR) > 0.9
    assert offline(MONDAY + 5 * DAY, MONDAY + 7 * DAY) > 0.9
    assert offline(MONDAY + 34 * HOUR, MONDAY + 38 * HOUR) < 0.4


def test_one_stays_on_queue_a_whole_day_another_is_away_for_fifty(org, time, presence):
    tuesday = MONDAY + DAY, MONDAY + 2 * DAY
    through = [
        p for periods in presence.values() for p in periods if p.start < tuesday[0] and p.end > tuesday[1]
    ]
    assert any(period.status == "ON_QUEUE" for period in through)
    back = from_iso("2026-05-12")
    leave, *_ = time.periods(org.directory.absent_user, "primaryPresence", back, back + DAY, LATER)
    assert leave.status == "OFFLINE"
    assert leave.end - leave.start > 50 * DAY


def test_a_deleted_user_has_history_one_no_routing_status_and_one_nothing(org, presence, routing):
    deleted = next(user["id"] for user in org.directory.users if user["state"] == "deleted")
    assert len(presence[deleted]) > 10
    assert presence[org.directory.office_user]
    assert routing[org.directory.office_user] == []
    assert org.directory.silent_user not in presence
    assert {user["id"] for user in org.directory.users} == {org.directory.silent_user, *presence}


def test_a_deactivated_definition_is_used_by_older_periods_only(time):
    def used(start):
        return {
            period.definition_id
            for user in time.user_ids
            for period in time.periods(user, "primaryPresence", start, start + 2 * DAY, LATER)
        }

    old = time.presences.short.definition_id
    assert old in used(RETIRED_AT - 3 * DAY)
    assert old not in used(RETIRED_AT + 2 * DAY)


def test_the_same_whatever_was_asked_before_and_different_for_another_seed(time, presence):
    again = AgentsTime(an_org())
    user = again.user_ids[4]
    for start in (MONDAY + 5 * DAY, MONDAY - 30 * DAY):
        again.periods(user, "primaryPresence", start, start + 3 * HOUR, LATER)
    for clock in CLOCKS:
        whole = time.periods(user, clock, *WEEK, LATER)
        for period in whole:
            assert period in again.periods(user, clock, period.start, period.start + 1, LATER)
    assert set(AgentsTime(an_org(seed=8)).user_ids).isdisjoint(presence)


def test_periods_are_known_as_far_as_the_day_of_knowledge(time):
    user = time.user_ids[3]
    for moment in range(MONDAY + 9 * HOUR, MONDAY + 12 * HOUR, 13 * MINUTE):
        for clock in CLOCKS:
            known = time.periods(user, clock, *WEEK, moment)
            truth = time.periods(user, clock, *WEEK, LATER)
            assert [period.start for period in known] == [p.start for p in truth if p.start <= moment]
            assert [period.ended(moment) for period in known[:-1]] == [p.start for p in known[1:]]
            assert known[-1].ended(moment) is None


def test_a_day_makes_no_more_than_the_conversations_that_reach_it():
    org = an_org()
    made = Counter()
    make = org._make

    def counted(slot, wanted):
        for row, record in make(slot, wanted):
            made[row.start // DAY - MONDAY // DAY] += 1
            yield row, record

    org._make = counted
    time = AgentsTime(org)
    for user in time.user_ids:
        time.periods(user, "routingStatus", MONDAY, MONDAY + DAY, LATER)
    assert min(made) >= -48  # the weekend before has nothing for some, so that Friday is looked at
    assert max(made) <= 1
    assert sum(made[day] for day in range(-48, -4)) < 0.06 * 60 * 44


def test_an_org_may_have_more_agents_than_its_conversations_need():
    org = an_org(agents=300)
    assert len(org.directory.agents) == 300
    time = AgentsTime(org)
    assert len(time.user_ids) == 302
    busy = [user for user in time.user_ids if len(time.periods(user, CLOCKS[0], *WEEK, LATER)) > 20]
    assert len(busy) > 290


works = st.lists(
    st.tuples(
        st.one_of(st.integers(0, DAY // SECOND - 1_000), st.integers(30_000, 50_000)),
        st.integers(1, 30),
        st.integers(1, 900),
        st.sampled_from(["ring", "missed"]),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(works, st.integers(0, 25), st.integers(0, 13))
def test_whatever_conversations_ask_nobody_is_off_queue_when_rung_nor_logged_off_at_work(asked, agent, day):
    person = list(people(SMALL.directory, SMALL.seed).values())[agent]
    if not person.takes_conversations:
        asked = []
    day += MONDAY // DAY
    work = sorted(
        each
        for start, ring, handle, kind in asked
        for at in [day * DAY + start * SECOND]
        for each in (
            Work(at, at + ring * SECOND, kind),
            Work(at + ring * SECOND, min(at + (ring + handle) * SECOND, (day + 1) * DAY), "handle"),
        )
    )
    presence = presence_of_day(person, day, work, Presences(SMALL.directory))
    routing = routing_of_day(person, day, work, presence)
    for pieces in filter(None, (presence, routing)):
        assert pieces[0].start == day * DAY
        assert pieces[-1].start < (day + 1) * DAY
        assert all(
            before.start < after.start and before.value != after.value for before, after in pairwise(pieces)
        )

    def values(pieces, each):
        ends = [piece.start for piece in pieces[1:]] + [(day + 1) * DAY]
        spans_ = zip(pieces, ends, strict=True)
        return {piece.value for piece, end in spans_ if piece.start < each.end and end > each.start}

    for each in work:
        systems = {value.system for value in values(presence, each)}
        assert "OFFLINE" not in systems
        assert each.kind == "handle" or systems == {"ON_QUEUE"}
        assert each.kind != "handle" or values(routing, each) == {"INTERACTING"}


@pytest.mark.parametrize("second", [False, True])
def test_a_break_is_set_early_only_if_nothing_rings_until_the_conversation_ends(second):
    person = next(iter(people(SMALL.directory, SMALL.seed).values()))
    early = 0
    for day in range(MONDAY // DAY, MONDAY // DAY + 60):
        work = []
        for at in range(day * DAY + 8 * HOUR, day * DAY + 16 * HOUR, 20 * MINUTE):
            work += [Work(at, at + SECOND, "ring"), Work(at + SECOND, at + 7 * MINUTE, "handle")]
            if second:
                again = at + 6 * MINUTE
                work += [
                    Work(again, again + 50 * SECOND, "ring"),
                    Work(again + 50 * SECOND, again + MINUTE, "handle"),
                ]
        presence = presence_of_day(person, day, sorted(work), Presences(SMALL.directory))
        for each in work:
            starts = [piece for piece in presence if each.start < piece.start < each.end]
            assert not starts or each.kind == "handle"
            early += bool(starts)
    assert (early > 10) != second


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda pair: (pair[0], sum(pair))))


@settings(max_examples=200)
@given(spans, st.integers(0, 5))
def test_spans_are_joined_and_their_gaps_are_the_rest(given, gap):
    union_ = joined(given)
    inside = {at for start, end in given for at in range(start, end)}
    assert [at for start, end in union_ for at in range(start, end)] == sorted(inside)
    free = [at for start, end in gaps(union_, 5, 30) for at in range(start, end)]
    assert free == [at for at in range(5, 30) if at not in inside]
    assert all(after[0] - before[1] > gap for before, after in pairwise(joined(given, gap)))


@settings(max_examples=200)
@given(st.sets(st.integers(1, 45)), spans)
def test_painting_changes_the_value_during_the_spans_only(changes, given):
    beneath = [Piece(at, str(number % 3)) for number, at in enumerate([0, *sorted(changes)])]
    over = painted(beneath, joined(given), "X")

    def at(pieces, moment):
        return next(piece.value for piece in reversed(pieces) if piece.start <= moment)

    inside = {moment for start, end in given for moment in range(start, end)}
    for moment in range(55):
        assert at(over, moment) == ("X" if moment in inside else at(beneath, moment))
    assert all(before.start < after.start and before.value != after.value for before, after in pairwise(over))


def test_the_present_of_an_org_on_the_wall_clock_can_be_asked_for():
    org = Org(conversations_per_day=40)
    time, now = AgentsTime(org), from_datetime(datetime.now(UTC))
    for user in time.user_ids:
        assert time.periods(user, "primaryPresence", now - HOUR, now, now)[-1].ended(now) is None
