"""The records are such as Genesys Cloud sends: fields, types, arithmetic, variety, size."""

from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.rows import encode
from genesys_dagster.sandbox.times import from_iso

MONDAY = date(2026, 11, 16)


@pytest.fixture(scope="module")
def records() -> list[dict]:
    return Org(conversations_per_day=2_000, now=lambda: datetime(2027, 6, 1, tzinfo=UTC)).day(MONDAY)


def sessions(record: dict):
    for participant in record["participants"]:
        for session in participant["sessions"]:
            yield participant, session


def length(segment: dict) -> int:
    return from_iso(segment["segmentEnd"]) - from_iso(segment["segmentStart"])


def total(session: dict, *kinds: str) -> int:
    return sum(length(segment) for segment in session["segments"] if segment["segmentType"] in kinds)


def metric(session: dict, name: str) -> int | None:
    values = [entry["value"] for entry in session.get("metrics", ()) if entry["name"] == name]
    return sum(values) if values else None


def test_a_record_has_about_ten_kilobytes(records):
    mean = sum(len(encode(record)) for record in records) / len(records)
    assert 8_000 < mean < 12_000


def test_the_whole_variety_of_a_contact_centre_occurs(records):
    media = Counter(session["mediaType"] for record in records for _, session in sessions(record))
    assert set(media) >= {"voice", "callback", "chat", "email", "message", "cobrowse"}
    purposes = {participant["purpose"] for record in records for participant in record["participants"]}
    assert purposes >= {
        "customer",
        "ivr",
        "acd",
        "agent",
        "botflow",
        "workflow",
        "dialer",
        "user",
        "voicemail",
    }
    names = {
        entry["name"] for record in records for _, s in sessions(record) for entry in s.get("metrics", ())
    }
    assert names >= {
        "nBlindTransferred", "nConsult", "nConsultTransferred", "tAbandon", "tShortAbandon", "tFlowOut", "nOverSla", "tIvr",
        "tFlow", "nFlowOutcome", "tNotResponding", "tAcw", "tHeld", "tHandle", "nOutbound", "tMonitoring",
        "tVoicemail", "nCallbackScheduled", "tAgentResponseTime",
    }  # fmt: skip
    keys = {key for record in records for key in record}
    assert keys >= {
        "conferenceStart", "consultationConversationIds", "evaluations", "surveys", "resolutions", "externalTag",
        "selfServed", "knowledgeBaseIds", "inactivityTimeout", "associatedConversationId",
        "mediaStatsMinConversationMos",
    }  # fmt: skip
    assert any(
        segment["conference"] for record in records for _, s in sessions(record) for segment in s["segments"]
    )
    assert any(len(record["participants"]) > 6 for record in records)


def test_some_conversations_take_weeks_and_their_durations_need_64_bits(records):
    durations = [from_iso(r["conversationEnd"]) - from_iso(r["conversationStart"]) for r in records]
    assert max(durations) > 2**31 / 2
    assert sum(duration > 86_400_000 for duration in durations) / len(durations) < 0.1


def test_attributes_are_text_with_odd_keys(records):
    keys = {key for r in records for p in r["participants"] for key in p.get("attributes", {})}
    assert {"ANI ", "ivr.Skills", "7day Contacts", "Schedule Status", "ScheduleStatus"} <= keys
    assert any(not key.isascii() for key in keys)
    values = [v for r in records for p in r["participants"] for v in p.get("attributes", {}).values()]
    assert all(isinstance(value, str) and len(value) <= 1024 for value in values)
    assert "" in values


def test_segments_follow_each_other_within_the_conversation(records):
    for record in records:
        ends = []
        for _, session in sessions(record):
            for segment in session["segments"]:
                assert record["conversationStart"] <= segment["segmentStart"] <= segment["segmentEnd"]
                ends.append(segment["segmentEnd"])
            for earlier, later in pairwise(session["segments"]):
                assert earlier["segmentStart"] <= later["segmentStart"]
        assert max(ends) == record["conversationEnd"]


def test_session_ids_are_unique_and_peers_exist(records):
    for record in records:
        ids = [session["sessionId"] for _, session in sessions(record)]
        assert len(ids) == len(set(ids))
        assert all(session.get("peerId", ids[0]) in ids for _, session in sessions(record))


def test_an_agents_metrics_are_the_sums_of_their_segments(records):
    checked = 0
    for record in records:
        for participant, session in sessions(record):
            if participant["purpose"] != "agent" or metric(session, "tHandle") is None:
                continue
            talk = total(session, "interact")
            held = total(session, "hold")
            acw = total(session, "wrapup")
            dialled = total(session, "contacting", "dialing") if session["direction"] == "outbound" else 0
            assert (metric(session, "tTalk") or 0) == (metric(session, "tTalkComplete") or 0) == talk
            assert (metric(session, "tHeld") or 0) == (metric(session, "tHeldComplete") or 0) == held
            assert (metric(session, "tAcw") or 0) == acw
            assert metric(session, "tHandle") == talk + held + acw + dialled, record["conversationId"]
            checked += 1
    assert checked > 1_000


def test_waiting_in_a_queue_is_measured_alike_on_both_sides(records):
    for record in records:
        for participant, session in sessions(record):
            if participant["purpose"] != "acd":
                continue
            waited = total(session, "interact")
            assert metric(session, "tAcd") == waited
            assert metric(session, "nOffered") == 1
            gone = session["segments"][-1]["disconnectType"] == "peer"
            counted = gone and session.get("messageType") != "webmessaging"
            assert metric(session, "tAbandon") == (waited if counted else None)
            assert metric(session, "tFlowOut") == (waited if "flowOutType" in session else None)
            assert metric(session, "nOverSla") is None or not (gone or "flowOutType" in session)
        offered = [
            metric(s, "tAcd")
            for p, s in sessions(record)
            if p["purpose"] == "acd"
            and s["segments"][-1]["disconnectType"] != "peer"
            and metric(s, "tFlowOut") is None
        ]
        answered = [metric(s, "tAnswered") for p, s in sessions(record) if metric(s, "tAnswered") is not None]
        assert sorted(offered) == sorted(answered)


def test_metrics_are_emitted_within_the_conversation(records):
    for record in records:
        for _, session in sessions(record):
            for entry in session.get("metrics", ()):
                assert record["conversationStart"] <= entry["emitDate"] <= record["conversationEnd"], entry


def test_references_are_to_entities_of_the_org(records):
    directory = Org(conversations_per_day=2_000).directory
    users = {user["id"] for user in directory.users}
    queues = {queue["id"] for queue in directory.queues}
    codes = {code["id"] for code in directory.wrapup_codes} | {"ININ-WRAP-UP-TIMEOUT"}
    divisions = {division["id"] for division in directory.divisions}
    for record in records:
        assert set(record["divisionIds"]) <= divisions
        for participant, session in sessions(record):
            assert participant.get("userId", directory.users[0]["id"]) in users
            for segment in session["segments"]:
                assert segment.get("queueId", directory.queues[0]["id"]) in queues
                assert segment.get("wrapUpCode", "ININ-WRAP-UP-TIMEOUT") in codes


def test_numbers_and_addresses_belong_to_nobody(records):
    for record in records:
        for _, session in sessions(record):
            for key in ("ani", "dnis"):
                number = session.get(key, "tel:+442079460000").removeprefix("tel:")
                assert number.startswith("+44207946") or (
                    number.startswith("+1") and number[5:10] == "55501"
                ), number
            for key in ("addressFrom", "addressTo"):
                if "@" in session.get(key, ""):
                    assert session[key].endswith("@example.com")


def test_an_open_conversation_is_cut_for_the_query_too():
    now = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)
    org = Org(conversations_per_day=2_000, now=lambda: now)
    waiting = [record for record in org.day(MONDAY) if "conversationEnd" not in record]
    assert len(waiting) > 10
