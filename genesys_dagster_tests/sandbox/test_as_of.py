"""A conversation as it stands at a moment."""

import copy
from datetime import UTC, date, datetime, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.sandbox.as_of import cut
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import DAY, HOUR, from_iso, iso

DAY_OF_RECORDS = date(2026, 11, 16)
# Times that are known before they come.
PLANNED = {"inactivityTimeout", "callbackScheduledTime"}


@cache
def records() -> list[dict]:
    return Org(conversations_per_day=250, now=lambda: datetime(2027, 6, 1, tzinfo=UTC)).day(DAY_OF_RECORDS)


def leaves(value, key=""):
    if isinstance(value, dict):
        assert value, key
        for name, child in value.items():
            yield from leaves(child, name)
    elif isinstance(value, list):
        assert value, key
        for child in value:
            yield from leaves(child, key)
    else:
        yield key, value


def is_time(value) -> bool:
    return isinstance(value, str) and len(value) == 24 and value[10] == "T" and value.endswith("Z")


@st.composite
def moments(draw):
    """A record and a moment of its life, or of the weeks after it."""
    record = draw(st.sampled_from(records()))
    start = from_iso(record["conversationStart"])
    span = from_iso(record["conversationEnd"]) - start
    return record, start + draw(st.integers(0, span) | st.integers(0, 40 * DAY) | st.integers(0, HOUR))


@settings(max_examples=300, deadline=None)
@given(moments())
def test_nothing_is_known_before_it_happens_and_nothing_is_null_or_empty(moment):
    record, now = moment
    known = cut(copy.deepcopy(record), iso(now))
    for key, value in leaves({k: v for k, v in known.items() if k != "participants"}):
        assert value is not None
        assert key in PLANNED or not is_time(value) or value <= iso(now), key
    for key, value in leaves([p.get("sessions") for p in known["participants"]]):
        assert value is not None
        assert key in PLANNED or not is_time(value) or value <= iso(now), key


@settings(max_examples=200, deadline=None)
@given(moments(), st.integers(0, 3 * DAY))
def test_knowing_less_of_a_later_state_is_knowing_the_earlier_state(moment, more):
    record, now = moment
    directly = cut(copy.deepcopy(record), iso(now))
    by_way_of_later = cut(cut(copy.deepcopy(record), iso(now + more)), iso(now))
    assert by_way_of_later == directly


@settings(max_examples=200, deadline=None)
@given(moments())
def test_an_open_conversation_has_no_end_and_an_open_segment_neither(moment):
    record, now = moment
    known = cut(copy.deepcopy(record), iso(now))
    ended = record["conversationEnd"] <= iso(now)
    assert ("conversationEnd" in known) == ended
    segments = [
        segment for p in known["participants"] for session in p["sessions"] for segment in session["segments"]
    ]
    assert any("segmentEnd" not in segment for segment in segments) or ended or len(segments) > 1
    assert all(
        "disconnectType" not in segment and "wrapUpCode" not in segment
        for segment in segments
        if "segmentEnd" not in segment
    )


def test_a_conversation_that_is_over_is_served_whole():
    for record in records():
        assert cut(copy.deepcopy(record), "2027-06-01T00:00:00.000Z") == record


def test_evaluations_and_surveys_appear_only_after_their_event():
    org = Org(conversations_per_day=400)
    attached = [
        record
        for record in org.day(DAY_OF_RECORDS, datetime(2027, 6, 1, tzinfo=UTC))
        if "evaluations" in record
    ]
    assert attached
    for record in attached:
        at = datetime.fromisoformat(record["evaluations"][0]["eventTime"])
        before = org.record(record["conversationId"], at - timedelta(milliseconds=1))
        assert "evaluations" not in before
        assert "conversationEnd" in before
        assert org.record(record["conversationId"], at)["evaluations"] == record["evaluations"]


def test_long_threads_of_past_days_are_still_open():
    org = Org(conversations_per_day=400, now=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    waiting = [record for record in org.day(DAY_OF_RECORDS) if "conversationEnd" not in record]
    assert waiting
    assert {record["participants"][0]["sessions"][0]["mediaType"] for record in waiting} <= {
        "email",
        "message",
    }
