"""What every answer has: correlation id, rate limit, permissions, error bodies, compression."""

import gzip

import httpx
import pytest

from genesys_dagster_tests.sandbox.conftest import DETAILS, Api
from genesys_dagster_tests.sandbox.test_query import INTERVAL

ERROR_KEYS = {
    "message", "code", "status", "messageWithParams", "messageParams", "contextId", "details", "errors",
}  # fmt: skip


def test_every_answer_has_a_correlation_id_which_errors_repeat(api, server):
    good = api.http.get("/api/v2/users")
    bad = api.http.get("/api/v2/nothing/here")
    token = httpx.post(f"{server.url}/oauth/token")
    assert len({answer.headers["ININ-Correlation-Id"] for answer in (good, bad, token)}) == 3
    assert bad.json()["contextId"] == bad.headers["ININ-Correlation-Id"]


def test_a_missing_route_is_not_found_and_a_wrong_method_is_not_allowed(api):
    missing = api.http.get("/api/v2/nothing/here")
    assert (missing.status_code, missing.json()["code"]) == (404, "not.found")
    assert missing.json().keys() == ERROR_KEYS
    wrong = api.http.put(f"{DETAILS}/query")
    assert (wrong.status_code, wrong.json()["status"]) == (405, 405)


def test_every_call_tells_the_use_of_the_rate_limit(api, server):
    seconds = 0.0
    server.settings.clock = lambda: seconds
    server.settings.requests_per_minute = 300
    api.login(server)

    def headers() -> list[str]:
        answer = api.http.get("/api/v2/users")
        return [answer.headers[f"inin-ratelimit-{name}"] for name in ("count", "allowed", "reset")]

    assert headers() == ["1", "300", "60"]
    seconds = 20.5
    assert headers() == ["2", "300", "40"]
    seconds = 60.0
    assert headers() == ["1", "300", "60"]


def test_one_request_too_many_is_a_429_that_says_how_long_to_wait(api, server):
    seconds = 0.0
    server.settings.clock = lambda: seconds
    server.settings.requests_per_minute = 3
    api.login(server)
    assert [api.http.get("/api/v2/users").status_code for _ in range(3)] == [200] * 3
    seconds = 15.0
    refused = api.http.get("/api/v2/users")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "45"
    body = refused.json()
    assert body["code"] == "too.many.requests"
    assert body["message"] == "Rate limit exceeded the maximum. Retry the request in [45] seconds"
    assert body["limit"]["value"] == 3
    seconds = 60.0
    assert api.http.get("/api/v2/users").status_code == 200


def test_each_token_has_its_own_limit(api, server):
    server.settings.requests_per_minute = 1
    assert api.http.get("/api/v2/users").status_code == 200
    assert api.http.get("/api/v2/users").status_code == 429
    assert Api(server).http.get("/api/v2/users").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("POST", f"{DETAILS}/query", "analytics:conversationDetail:view"),
        ("POST", f"{DETAILS}/jobs", "analytics:conversationDetail:view"),
        ("GET", f"{DETAILS}/jobs/some-id", "analytics:conversationDetail:view"),
        ("GET", f"{DETAILS}/jobs/availability", "analytics:conversationDetail:view"),
        ("GET", f"{DETAILS}?id=a", "analytics:conversationDetail:view"),
        ("GET", "/api/v2/routing/queues", "routing:queue:view"),
        ("GET", "/api/v2/routing/wrapupcodes", "routing:wrapupCode:view"),
        ("GET", "/api/v2/routing/skills", "routing:skill:view"),
    ],
)
def test_a_client_without_the_permission_is_told_which_one(api, server, method, path, permission):
    server.settings.permissions = server.settings.permissions - {permission}
    answer = api.http.request(method, path, json={"interval": INTERVAL} if method == "POST" else None)
    assert answer.status_code == 403
    body = answer.json()
    assert body.keys() == ERROR_KEYS
    assert body["code"] == "missing.any.permissions"
    assert body["message"] == body["messageWithParams"].replace(
        "{permissions}", body["messageParams"]["permissions"]
    )
    assert permission in body["message"]


def test_the_agents_own_permission_is_enough_for_queries_but_not_for_the_watermark(api, server):
    server.settings.permissions = {"analytics:agentConversationDetail:view"}
    assert api.query(INTERVAL).status_code == 200
    assert api.http.get(f"{DETAILS}/jobs/availability").status_code == 403


def test_answers_are_compressed_for_those_who_accept_it(api, server):
    def raw(encoding: str) -> tuple[str | None, bytes]:
        body = {"interval": INTERVAL, "paging": {"pageSize": 20, "pageNumber": 1}}
        with api.http.stream(
            "POST", f"{DETAILS}/query", json=body, headers={"Accept-Encoding": encoding}
        ) as answer:
            return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())

    encoding, packed = raw("gzip")
    plain_encoding, plain = raw("identity")
    assert (encoding, plain_encoding) == ("gzip", None)
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2
    server.settings.gzip = False
    assert raw("gzip") == (None, plain)
