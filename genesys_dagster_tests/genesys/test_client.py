import asyncio
import json
import logging

import httpx
import pytest

from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    GenesysError,
    MalformedResponseError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
    SubmitUncertainError,
)
from genesys_dagster_tests.genesys.fakes import (
    JOBS,
    SECRET,
    FakeApi,
    FakeClock,
    error_body,
    reply,
    run,
    script,
)

PATH = "/api/v2/some/thing"


def get(api, clock=None, path=PATH, **settings):
    async def scenario():
        async with api.client(clock, **settings) as client:
            try:
                return await client.get_json(path), client.stats
            except GenesysError as error:
                return error, client.stats

    return run(scenario())


def test_a_json_object_is_returned_and_counted():
    answer, stats = get(FakeApi(script(reply({"a": 1}))))
    assert answer == {"a": 1}
    assert (stats.requests, stats.retries, stats.bytes_received) == (1, 0, len(b'{"a": 1}'))


@pytest.mark.parametrize("size", [10, 200_000])
def test_gzip_bodies_small_and_large_are_inflated(size):
    import random

    text = random.Random(1).randbytes(size).hex()
    answer, stats = get(FakeApi(script(reply({"text": text}, zipped=True))))
    assert answer == {"text": text}
    assert stats.bytes_received < 2 * size + 100


def test_requests_ask_for_gzip_and_json_and_carry_the_token():
    api = FakeApi(script(reply({})))
    get(api)
    headers = api.seen[0].headers
    assert headers["accept-encoding"] == "gzip"
    assert headers["accept"] == "application/json"
    assert headers["authorization"] == "Bearer token-1"


def test_a_body_is_sent_as_json_and_parameters_as_a_query():
    async def scenario():
        api = FakeApi(script(reply({}, 204)))
        async with api.client() as client:
            await client.request("POST", PATH, json={"ü": [1]}, params={"pageSize": 5})
        return api.seen[0]

    request = run(scenario())
    assert json.loads(request.content) == {"ü": [1]}
    assert request.headers["content-type"] == "application/json"
    assert request.url.query == b"pageSize=5"


def test_a_client_that_is_not_open_says_how_to_open_it():
    with pytest.raises(RuntimeError, match="async with"):
        run(FakeApi().client().get_json(PATH))


@pytest.mark.parametrize(
    "failure",
    [
        reply(error_body("client.timeout", "slow", 408), 408),
        reply(error_body("internal.server.error", "oops", 500), 500),
        reply(b"<html><title>502 Bad Gateway</title></html>", 502),
        reply(None, 503),
        reply(error_body("request.timeout", "slow", 504), 504),
        reply(b'{"cut": [1, 2', 200),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("peer closed connection"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
    ],
)
def test_passing_failures_are_repeated(failure):
    api = FakeApi(script(failure, failure, reply({"fine": True})))
    answer, stats = get(api)
    assert answer == {"fine": True}
    assert (stats.requests, stats.retries) == (3, 2)


def test_repeating_ends_after_the_allowed_attempts():
    api = FakeApi(script(reply(error_body("service.unavailable", "down", 503, "ctx-7"), 503)))
    error, stats = get(api, max_attempts=4)
    assert isinstance(error, ServiceUnavailableError)
    assert stats.requests == 4
    assert (error.method, error.path, error.status, error.code, error.correlation_id) == (
        "GET",
        PATH,
        503,
        "service.unavailable",
        "ctx-7",
    )
    assert "after 4 attempts" in str(error)


def test_a_cut_off_answer_that_stays_cut_off_is_malformed():
    error, _ = get(FakeApi(script(reply(b'{"a": ', inin_correlation_id="c-1"))), max_attempts=2)
    assert isinstance(error, MalformedResponseError)
    assert (error.path, error.correlation_id) == (PATH, "c-1")


@pytest.mark.parametrize("status", [302, 400, 404, 409, 413, 415])
def test_rejections_are_not_repeated(status):
    api = FakeApi(script(reply(error_body("some.code", "no", status), status)))
    error, stats = get(api)
    assert type(error) is RequestRejectedError
    assert stats.requests == 1


def test_a_missing_permission_is_not_repeated_and_named():
    words = "You must have at least one of the following permissions assigned: [analytics:conversationDetail:view]"
    api = FakeApi(script(reply(error_body("missing.any.permissions", words, 403), 403)))
    error, stats = get(api, path=JOBS)
    assert type(error) is PermissionDeniedError
    assert "analytics:conversationDetail:view" in str(error)
    assert stats.requests == 1


def test_a_503_waits_as_long_as_it_says():
    clock = FakeClock()
    get(FakeApi(script(reply(None, 503, retry_after="17"), reply({}))), clock)
    assert clock.slept == [17.0]


@pytest.mark.parametrize("told", ["0", "Sat, 21 Nov 2026 00:00:30 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_at_once_does_not_get_all_attempts_at_once(status, told):
    clock = FakeClock()
    error, stats = get(
        FakeApi(script(reply(None, status, retry_after=told))), clock, initial_backoff=0.5, max_backoff=60.0
    )
    assert (stats.requests, error.attempts, error.retry_after) == (8, 8, 0.0)
    assert sum(clock.slept) > 60


def test_a_repeat_says_why_and_when_before_it_waits(caplog):
    clock = FakeClock()
    get(FakeApi(script(reply(None, 503, retry_after="65"), reply({}))), clock)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("genesys_dagster")]
    assert lines[0].startswith(
        "attempt 1 of 8 failed, next in 65.0 s: Genesys Cloud is not answering properly"
    )
    assert "HTTP 503" in lines[0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_beyond_all_patience_ends_the_request_at_once(status):
    error, stats = get(FakeApi(script(reply(None, status, retry_after="86400"))))
    assert isinstance(error, ServiceUnavailableError)
    assert error.retryable
    assert error.retry_after == 86400
    assert stats.requests == 1


@pytest.mark.parametrize(("told", "carried"), [("43200", 43200.0), ("9" * 30, 86400.0), ("never", None)])
@pytest.mark.parametrize("where", ["api", "login"])
def test_an_error_carries_how_long_the_server_wants_to_be_left_alone_up_to_a_day(told, carried, where):
    api = FakeApi(script(reply(None, 503, retry_after=told)))
    if where == "login":
        api.login = api.handler
    error, _ = get(api)
    assert error.retry_after == carried


def test_a_429_that_stays_carries_what_the_server_asked_for():
    error, _ = get(FakeApi(script(reply(None, 429, retry_after="20"))), max_attempts=2)
    assert error.retry_after == 20


def test_connections_to_one_org_share_the_limit():
    clock, api = FakeClock(), FakeApi()

    async def scenario():
        for _ in range(3):  # one after another, as the days of a range run
            async with api.client(clock, requests_per_minute=10) as client:
                for _ in range(5):
                    await client.get_json(PATH)

    run(scenario())
    assert sum(clock.slept) == 60


def test_a_429_waits_as_long_as_it_says_and_is_repeated():
    clock = FakeClock()
    limit = error_body("too.many.requests", "Rate limit exceeded the maximum.", 429)
    answer, stats = get(FakeApi(script(reply(limit, 429, Retry_After="17"), reply({"a": 1}))), clock)
    assert answer == {"a": 1}
    assert clock.slept == [17.0]
    assert (stats.rate_limit_waits, stats.rate_limit_seconds, stats.retries) == (1, 17.0, 1)


def test_all_requests_of_the_client_wait_for_one_429():
    times = []

    async def scenario():
        clock = FakeClock()

        def handler(request):
            times.append(clock.time)
            return reply(None, 429, retry_after="30") if len(times) == 1 else reply({})

        async with FakeApi(handler).client(clock, max_concurrency=1) as client:
            await asyncio.gather(*(client.get_json(PATH) for _ in range(4)))

    run(scenario())
    assert len(times) == 5
    assert all(time - times[0] >= 30 for time in times[1:])


def test_rate_limit_headers_of_any_answer_are_obeyed():
    clock = FakeClock()
    api = FakeApi(
        lambda request: reply(
            {}, inin_ratelimit_allowed="2", inin_ratelimit_count="2", inin_ratelimit_reset="9"
        )
    )

    async def scenario():
        async with api.client(clock) as client:
            await client.get_json(PATH)
            await client.get_json(PATH)

    run(scenario())
    assert clock.slept == [9.0]


def test_no_more_requests_are_in_flight_than_allowed():
    async def scenario():
        api = FakeApi()
        async with api.client(max_concurrency=3) as client:
            await asyncio.gather(*(client.get_json(PATH) for _ in range(20)))
        return api.most_in_flight

    assert run(scenario()) == 3


@pytest.mark.parametrize(
    "failure",
    [
        reply(None, 500),
        reply(None, 503),
        reply(None, 408),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        httpx.WriteError("x"),
    ],
)
def test_what_must_not_happen_twice_is_not_repeated_when_its_answer_was_lost(failure):
    async def scenario():
        api = FakeApi(script(failure, reply({"jobId": "2"})))
        async with api.client() as client:
            with pytest.raises(SubmitUncertainError, match="nobody knows") as caught:
                await client.request("POST", PATH, json={}, repeatable=False)
        assert caught.value.retryable
        assert (caught.value.method, caught.value.path) == ("POST", PATH)
        return len(api.requests)

    assert run(scenario()) == 1


@pytest.mark.parametrize(
    "failure",
    [reply(None, 429, retry_after="1"), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")],
)
def test_what_must_not_happen_twice_is_repeated_when_it_certainly_did_not_happen(failure):
    async def scenario():
        api = FakeApi(script(failure, reply({"jobId": "2"})))
        async with api.client() as client:
            return (await client.request("POST", PATH, json={}, repeatable=False)).json()

    assert run(scenario()) == {"jobId": "2"}


def test_an_untrusted_certificate_is_a_matter_of_configuration():
    import ssl

    def handler(request):
        raise httpx.ConnectError("bad") from ssl.SSLCertVerificationError("self-signed")

    error, stats = get(FakeApi(handler))
    assert isinstance(error, ConfigurationError)
    assert "SSL_CERT_FILE" in str(error)
    assert stats.requests == 1


def test_a_token_that_is_refused_twice_is_an_authentication_error():
    api = FakeApi()
    api.good_tokens = set()
    error, stats = get(api)
    assert isinstance(error, AuthenticationError)
    assert (api.logins, stats.requests) == (2, 2)
    assert error.code == "bad.credentials"


def test_secrets_that_a_server_echoes_are_blacked_out_everywhere(caplog):
    caplog.set_level(logging.DEBUG)
    echo = error_body("odd", f"you sent Bearer token-1 and {SECRET}", 500)
    error, _ = get(FakeApi(script(reply(echo, 500))), max_attempts=2)
    for text in (str(error), repr(error), caplog.text, str(error.__dict__)):
        assert "token-1" not in text
        assert SECRET not in text
    assert "you sent Bearer *** and ***" in str(error)


def test_a_lost_answer_is_not_told_with_the_correlation_id_of_the_one_before():
    answers = script(reply({}, inin_correlation_id="before"), httpx.ReadError("x"))

    async def scenario():
        async with FakeApi(answers).client(max_attempts=1) as client:
            await client.get_json(PATH)
            assert GenesysError("it says no", path=PATH).correlation_id == "before"
            assert GenesysError("it says no", path="/other").correlation_id is None
            with pytest.raises(ServiceUnavailableError) as caught:
                await client.get_json(PATH)
        return caught.value.correlation_id

    assert run(scenario()) is None


def test_query_parameters_are_not_in_errors():
    async def scenario():
        async with FakeApi(script(httpx.ReadError("x"))).client(max_attempts=1) as client:
            with pytest.raises(ServiceUnavailableError) as caught:
                await client.get_json(PATH, {"id": "personal-value"})
        return str(caught.value)

    assert "personal-value" not in run(scenario())


@pytest.mark.parametrize("status", [202, 204])
def test_an_empty_answer_is_an_empty_object_only_where_the_status_says_so(status):
    assert get(FakeApi(script(reply(None, status))))[0] == {}
    assert isinstance(get(FakeApi(script(reply(None, 200))), max_attempts=1)[0], MalformedResponseError)
