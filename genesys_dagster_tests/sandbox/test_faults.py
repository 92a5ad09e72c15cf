"""Faults by switch."""

import json
from collections import Counter
from zlib import decompressobj

import httpx
import pytest

from genesys_dagster.sandbox.drift import add_unknown_enums, add_unknown_fields, drifts
from genesys_dagster.sandbox.faults import FAILURES, Faults
from genesys_dagster_tests.sandbox.conftest import DETAILS
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY, ids

USERS = "/api/v2/users"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("401", 401, "credentials.expired"),
        ("408", 408, "client.timeout"),
        ("429", 429, "too.many.requests"),
        ("500", 500, "internal.server.error"),
        ("503", 503, "service.unavailable"),
        ("504", 504, "request.timeout"),
    ],
)
def test_an_error_status_comes_with_its_error_body(api, server, kind, status, code):
    server.faults.fail_next(1, kind)
    answer = api.http.get(USERS)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers["inin-ratelimit-count"]


def test_a_bad_gateway_answers_in_html(api, server):
    server.faults.fail_next(1, "502")
    answer = api.http.get(USERS)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_an_injected_429_may_lack_retry_after(api, server):
    server.faults.fail_next(2, "429")
    assert api.http.get(USERS).headers["Retry-After"] == "1"
    server.faults.retry_after = None
    assert "Retry-After" not in api.http.get(USERS).headers


def test_an_expired_token_stays_expired_until_a_new_one_is_fetched(api, server):
    server.faults.fail_next(1, "401")
    assert [api.http.get(USERS).status_code for _ in range(2)] == [401, 401]
    api.login(server)
    assert api.http.get(USERS).status_code == 200


def test_a_dropped_connection_ends_before_the_request_is_carried_out(api, server):
    server.faults.fail_next(1, "drop", method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        api.job(INTERVAL)
    assert server.jobs == {}
    assert server.requests[-1].status == 0


def test_a_lost_answer_is_of_a_request_that_was_carried_out(api, server):
    server.faults.fail_next(1, "lost")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.job(INTERVAL)
    assert len(server.jobs) == 1


@pytest.mark.parametrize("kind", ["drop", "lost", "truncate"])
@pytest.mark.parametrize("path", [f"{DETAILS}/jobs", "/api/v2/nothing"])
def test_a_broken_connection_shows_alike_however_much_of_the_request_is_still_on_its_way(
    api, server, kind, path
):
    server.faults.fail_next(1, kind)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending"):
        api.http.post(path, json={"interval": INTERVAL, "note": "x" * 2_000_000})


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_truncated_body_breaks_off_in_the_middle(api, server, encoding):
    server.faults.fail_next(1, "truncate")
    api.http.headers["Accept-Encoding"] = encoding
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        api.query(INTERVAL)
    assert api.query(INTERVAL).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_cut_body_claims_to_be_whole(api, server, encoding):
    server.faults.fail_next(1, "cut")
    body = {"interval": INTERVAL}
    with api.http.stream(
        "POST", f"{DETAILS}/query", json=body, headers={"Accept-Encoding": encoding}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    assert len(raw) == int(answer.headers["content-length"])
    text = decompressobj(31).decompress(raw) if encoding == "gzip" else raw
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


def test_garbage_and_emptiness_come_with_status_200(api, server):
    server.faults.fail_next(1, "garbage")
    answer = api.http.get(USERS)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    server.faults.fail_next(1, "empty")
    assert (api.http.get(USERS).status_code, api.http.get(USERS).status_code) == (200, 200)


def test_every_nth_request_fails_and_only_those_of_the_path_and_method(api, server):
    server.faults.every(3, "503", path="/api/v2/routing", method="GET")
    statuses = [
        api.http.get(path).status_code for _ in range(6) for path in (USERS, "/api/v2/routing/queues")
    ]
    assert statuses[::2] == [200] * 6
    assert statuses[1::2] == [200, 200, 503, 200, 200, 503]


def test_latency_delays_every_answer(api, server):
    server.faults.latency_seconds = 0.15
    assert api.http.get(USERS).elapsed.total_seconds() > 0.15


def test_rows_come_again_at_the_start_of_the_next_page_and_none_is_missing(api, server):
    server.faults.duplicates = 2
    first, second = (api.query(INTERVAL, 20, number).json()["conversations"] for number in (1, 2))
    assert ids(first[-2:]) == ids(second[:2])
    counted = Counter(ids(api.query_all(INTERVAL, 20)))
    assert set(counted) == set(ids(server.org.day(MONDAY)))
    assert set(counted.values()) == {1, 2}
    by_job = Counter(ids(api.results(api.job(INTERVAL, startOfDayIntervalMatching=True), pageSize=20)))
    assert set(by_job) == set(counted)
    assert 2 in by_job.values()


def test_total_hits_drift_from_page_to_page(api, server):
    truth = len(server.org.day(MONDAY))
    server.faults.total_hits_drift = (-5, 0, 7)
    totals = [api.query(INTERVAL, 10, number).json()["totalHits"] for number in range(1, 5)]
    assert totals == [truth - 5, truth, truth + 7, truth - 5]


def test_unknown_fields_and_enum_values_appear_at_several_depths_in_every_third_record(api, server):
    clean = server.org.day(MONDAY, server.settings.watermark)
    server.faults.unknown_fields = server.faults.unknown_enums = True
    served = api.results(api.job(INTERVAL, startOfDayIntervalMatching=True))
    drifted = [record for record in clean if drifts(record["conversationId"])]
    assert 0.15 * len(clean) < len(drifted) < 0.5 * len(clean)
    for record in drifted:
        add_unknown_enums(add_unknown_fields(record))
    assert served == clean
    assert "sentimentScore" in api.query(INTERVAL).text
    text = json.dumps(served)
    assert all(
        name in text for name in ("sentimentScore", "carbonFootprint", "holographic", "pronouns", "teleport")
    )


def test_clearing_switches_everything_off(api, server):
    server.faults.every(1, "500")
    server.faults.duplicates = 3
    server.faults.clear()
    assert api.http.get(USERS).status_code == 200
    assert server.faults == Faults()


def test_an_unknown_kind_is_refused_with_the_list_of_kinds():
    with pytest.raises(ValueError, match=", ".join(FAILURES)):
        Faults().fail_next(1, "earthquake")
