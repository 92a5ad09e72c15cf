"""The org: the same for the same seed, ordered, with the volumes of a contact centre."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import pytest

from genesys_dagster.sandbox.interval import Interval, active_during, started_on_touched_days
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.rows import encode
from genesys_dagster.sandbox.times import DAY, day_number, from_iso

MONDAY = date(2026, 11, 16)
LATER = datetime(2027, 6, 1, tzinfo=UTC)


def later() -> datetime:
    return LATER


@pytest.fixture(scope="module")
def org() -> Org:
    return Org(conversations_per_day=300, now=later)


def digest(org: Org, day: date) -> str:
    return sha256(encode({"day": org.day(day)})).hexdigest()


def test_the_same_seed_makes_the_same_day_in_any_order_of_asking(org):
    other = Org(conversations_per_day=300, now=later)
    other.day(MONDAY + timedelta(days=3))
    other.day(MONDAY - timedelta(days=40))
    assert digest(other, MONDAY) == digest(org, MONDAY)


def test_the_same_seed_makes_the_same_day_in_another_process(org):
    code = (
        "from genesys_dagster_tests.sandbox.test_org import *;"
        "print(digest(Org(conversations_per_day=300, now=later), MONDAY))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "123"},
    )
    assert printed.stdout.strip() == digest(org, MONDAY)


def test_another_seed_makes_other_conversations_and_other_people(org):
    other = Org(seed=8, conversations_per_day=300, now=later)
    ids = {record["conversationId"] for record in other.day(MONDAY)}
    assert ids.isdisjoint(record["conversationId"] for record in org.day(MONDAY))
    assert {user["id"] for user in other.directory.users}.isdisjoint(
        user["id"] for user in org.directory.users
    )


def test_a_day_holds_what_starts_on_it_in_order_and_once(org):
    records = org.day(MONDAY)
    starts = [record["conversationStart"] for record in records]
    assert starts == sorted(starts)
    assert all(start.startswith("2026-11-16T") for start in starts)
    assert len({record["conversationId"] for record in records}) == len(records) == org.count(MONDAY)


def test_a_monday_has_the_volume_asked_for_when_nothing_varies():
    org = Org(conversations_per_day=321, variation=0, now=later)
    assert org.count(MONDAY) == len(org.day(MONDAY)) == 321


def test_weekdays_are_busier_than_weekends_and_mornings_than_nights(org):
    saturday = MONDAY + timedelta(days=5)
    assert org.count(saturday) < org.count(MONDAY) / 2
    hours = Counter(record["conversationStart"][11:13] for record in org.day(MONDAY))
    assert hours["10"] > 10 * hours["03"]


def test_an_org_without_conversations_is_empty():
    assert Org(conversations_per_day=0, now=later).day(MONDAY) == []


def test_an_id_alone_finds_its_conversation(org):
    record = org.day(MONDAY)[17]
    assert Org(conversations_per_day=300, now=later).record(record["conversationId"]) == record
    assert org.record("00000000-0000-4000-a000-000000000000") is None
    assert org.record("no id at all") is None


def test_nothing_starts_after_now():
    now = datetime(2026, 11, 16, 11, 30, tzinfo=UTC)
    records = Org(conversations_per_day=300, now=lambda: now).day(MONDAY)
    assert records
    assert max(record["conversationStart"] for record in records) <= "2026-11-16T11:30:00.000Z"


def test_records_forgotten_for_memory_come_back_the_same(org):
    small = Org(conversations_per_day=300, now=later, bodies_in_memory=50_000)
    first = small.day(MONDAY)
    small.day(MONDAY + timedelta(days=1))
    assert small.day(MONDAY) == first == org.day(MONDAY)
    assert sum(len(row.bodies) for row in small.rows_of_day(day_number(MONDAY))) < 30


def test_what_is_active_in_an_interval_is_found_however_long_ago_it_started():
    interval = Interval.parse("2026-11-16T09:00:00Z/2026-11-16T10:00:00Z")
    first = interval.start // DAY
    whole = Org(conversations_per_day=120, now=later)
    expected = [
        row.conversation_id
        for day in range(first - 60, first + 1)
        for row in whole.rows_of_day(day)
        if row.start < interval.end and row.end >= interval.start
    ]
    found = [
        row.conversation_id for row in active_during(Org(conversations_per_day=120, now=later), interval)
    ]
    assert found == expected
    assert len(found) > len(list(started_on_touched_days(whole, interval)))


def test_agents_do_not_talk_to_everybody_at_once(org):
    spans: dict[str, list[tuple[int, int]]] = {}
    for record in org.day(MONDAY):
        for participant in record["participants"]:
            if participant["purpose"] == "agent":
                for session in participant["sessions"]:
                    if session["mediaType"] == "voice":
                        ends = [from_iso(segment["segmentEnd"]) for segment in session["segments"]]
                        start = from_iso(session["segments"][0]["segmentStart"])
                        spans.setdefault(participant["userId"], []).append((start, max(ends)))
    overlaps = total = 0
    for calls in spans.values():
        calls.sort()
        total += len(calls)
        overlaps += sum(later[0] < earlier[1] for earlier, later in pairwise(calls))
    assert overlaps < 0.2 * total
