"""Filters of queries and jobs: the same as choosing by hand from the org's records."""

import pytest

from genesys_dagster_tests.sandbox.conftest import DETAILS
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY, ids


@pytest.fixture
def choose(api, server):
    """Query with filters, and what a choice by hand from the org's records gives."""

    def both(by_hand, **filters):
        found = ids(api.query_all(INTERVAL, **filters))
        expected = ids(record for record in server.org.day(MONDAY) if by_hand(record))
        assert 0 < len(expected) < server.org.count(MONDAY)
        return found, expected

    return both


def segments(record):
    for participant in record["participants"]:
        for session in participant["sessions"]:
            for segment in session["segments"]:
                yield participant, session, segment


def where(*predicates: dict, kind: str = "and") -> list[dict]:
    return [{"type": kind, "predicates": list(predicates)}]


def dimension(name: str, value: str | None = None, operator: str = "matches") -> dict:
    return {"type": "dimension", "dimension": name, "operator": operator, "value": value}


def test_conversation_end_exists_leaves_out_what_is_open(choose):
    found, expected = choose(
        lambda record: "conversationEnd" in record,
        conversationFilters=where(dimension("conversationEnd", operator="exists")),
    )
    assert found == expected


def test_conversation_end_not_exists_is_the_rest(choose):
    found, expected = choose(
        lambda record: "conversationEnd" not in record,
        conversationFilters=where(dimension("conversationEnd", operator="notExists")),
    )
    assert found == expected


def test_one_conversation_by_its_id(api, server):
    wanted = server.org.day(MONDAY)[5]["conversationId"]
    assert ids(api.query_all(INTERVAL, conversationFilters=where(dimension("conversationId", wanted)))) == [
        wanted
    ]


def test_segments_of_a_medium(choose):
    found, expected = choose(
        lambda record: any(session["mediaType"] == "email" for _, session, _ in segments(record)),
        segmentFilters=where(dimension("mediaType", "email")),
    )
    assert found == expected


def test_predicates_of_one_filter_hold_on_the_same_segment(choose):
    found, expected = choose(
        lambda record: any(
            participant["purpose"] == "agent" and segment.get("disconnectType") == "peer"
            for participant, _, segment in segments(record)
        ),
        segmentFilters=where(dimension("purpose", "agent"), dimension("disconnectType", "peer")),
    )
    assert found == expected


def test_separate_filters_may_hold_on_different_segments(choose):
    found, expected = choose(
        lambda record: {"agent", "ivr"} <= {participant["purpose"] for participant, _, _ in segments(record)},
        segmentFilters=where(dimension("purpose", "agent")) + where(dimension("purpose", "ivr")),
    )
    assert found == expected


def test_any_of_several_and_clauses(choose):
    either = {
        "type": "or",
        "predicates": [dimension("mediaType", "chat"), dimension("mediaType", "callback")],
    }
    found, expected = choose(
        lambda record: any(
            session["mediaType"] in {"chat", "callback"} and participant["purpose"] == "agent"
            for participant, session, _ in segments(record)
        ),
        segmentFilters=[{"type": "and", "clauses": [either], "predicates": [dimension("purpose", "agent")]}],
    )
    assert found == expected


def test_metrics_in_a_range(choose):
    def hold(record):
        return any(
            metric["name"] == "tHeld" and metric["value"] >= 20_000
            for _, session, _ in segments(record)
            for metric in session.get("metrics", ())
        )

    predicate = {"type": "metric", "metric": "tHeld", "range": {"gte": 20_000}}
    found, expected = choose(hold, conversationFilters=where(predicate))
    assert found == expected


def test_evaluations_and_surveys_by_their_fields(choose):
    found, expected = choose(
        lambda record: any(survey["surveyType"] == "Voice" for survey in record.get("surveys", ())),
        surveyFilters=where(dimension("surveyType", "Voice")),
    )
    assert found == expected


def test_jobs_filter_alike(api, server):
    filters = {"segmentFilters": where(dimension("direction", "outbound"))}
    by_job = api.results(api.job(INTERVAL, startOfDayIntervalMatching=True, **filters))
    assert ids(by_job) == ids(api.query_all(INTERVAL, **filters)) != []


@pytest.mark.parametrize(
    "filters",
    [
        {"segmentFilters": "all"},
        {"segmentFilters": [{"type": "xor", "predicates": []}]},
        {"segmentFilters": [{"predicates": [{"operator": "matches", "value": "x"}]}]},
        {"segmentFilters": [{"predicates": [{"dimension": "queueId", "operator": "like", "value": "x"}]}]},
        {"conversationFilters": [{"predicates": [{"dimension": "externalTag"}]}]},
    ],
)
def test_filters_that_make_no_sense_are_refused(api, filters):
    answer = api.http.post(f"{DETAILS}/query", json={"interval": INTERVAL, **filters})
    assert answer.status_code == 400
