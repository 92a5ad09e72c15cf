import asyncio
import base64
import json
import subprocess
import sys

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    GenesysError,
    MalformedResponseError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.oauth import Grant, TokenCache
from genesys_dagster_tests.genesys.fakes import SECRET, FakeApi, FakeClock, reply, run

PATH = "/api/v2/some/thing"


def fetch_many(api, count, clock=None, **settings):
    async def scenario():
        async with api.client(clock, **settings) as client:
            return await asyncio.gather(
                *(client.get_json(PATH) for _ in range(count)), return_exceptions=True
            )

    return run(scenario())


def test_the_token_is_asked_for_with_basic_authorization_and_the_grant_as_a_form():
    seen = []
    api = FakeApi()
    api.login = lambda request: seen.append(request) or reply({"access_token": "t", "expires_in": 300})
    fetch_many(api, 1)
    (request,) = seen
    assert str(request.url) == "https://login.example.org/oauth/token"
    assert request.method == "POST"
    assert (
        base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        == f"an-id:{SECRET}"
    )
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.content == b"grant_type=client_credentials"


def test_one_login_serves_all_waiting_requests():
    api = FakeApi()
    fetch_many(api, 20)
    assert api.logins == 1
    assert len(api.requests) == 20


@pytest.mark.parametrize(
    ("lifetime", "used_for"), [(86400, 86340), (300, 270), (None, 270), (0, 270), (-5, 270)]
)
def test_the_token_is_used_until_shortly_before_it_expires_or_the_shortest_possible_time(lifetime, used_for):
    api, clock = FakeApi(), FakeClock()
    api.login = lambda request: reply({"access_token": "t", "expires_in": lifetime})

    async def scenario():
        async with api.client(clock) as client:
            await client.get_json(PATH)
            clock.time += used_for - 1
            await client.get_json(PATH)
            assert api.logins == 1
            clock.time += 2
            await client.get_json(PATH)
            assert api.logins == 2

    run(scenario())


def test_a_401_renews_the_token_once_for_all_requests():
    api = FakeApi()
    api.good_tokens = {"token-2"}
    assert fetch_many(api, 20) == [{}] * 20
    assert api.logins == 2


def test_a_request_that_failed_with_an_older_token_just_uses_the_newer_one():
    async def scenario():
        issued = []

        async def issue():
            issued.append(f"token-{len(issued)}")
            return Grant(issued[-1], 3600)

        tokens = TokenCache(issue, FakeClock())
        old = await tokens.current()
        new = await tokens.after_rejection(old)
        assert await tokens.after_rejection(old) == new
        return issued

    assert run(scenario()) == ["token-0", "token-1"]


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("reason", ["client not found", "authentication failed"])
def test_a_refused_login_names_the_variables_and_the_region_and_is_not_repeated(status, reason):
    api = FakeApi()
    api.login = lambda request: reply({"error": "invalid_client", "description": reason}, status)
    errors = fetch_many(api, 5, region="eu-central-1")
    for error in errors:
        assert isinstance(error, AuthenticationError)
        text = str(error)
        for part in (
            "GENESYSCLOUD_OAUTHCLIENT_ID",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET",
            "eu-central-1",
            reason,
        ):
            assert part in text
        assert SECRET not in text
    assert api.logins == 1
    assert api.requests == []


def test_the_login_is_repeated_while_the_service_is_down():
    api = FakeApi()
    good = api.login
    failures = [
        reply(None, 503),
        reply(None, 429, retry_after="0"),
        reply(b"<html>", 502),
        reply(b'{"access', 200),
    ]
    api.login = lambda request: failures.pop() if failures else good(request)
    assert fetch_many(api, 1) == [{}]
    assert api.logins == 5


@pytest.mark.parametrize("trouble", [reply(None, 503), reply(b"{}", 200), httpx.ConnectError("refused")])
def test_a_login_service_that_is_down_midway_is_waited_for(trouble):
    api, clock = FakeApi(), FakeClock()
    good, down = api.login, [trouble] * 3

    def login(request):
        if api.logins == 1 or not down:
            return good(request)
        answer = down.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    api.login = login

    async def scenario():
        async with api.client(clock) as client:
            await client.get_json(PATH)
            api.good_tokens = {"token-5"}  # a 401 midway
            return await asyncio.gather(*(client.get_json(PATH) for _ in range(10)))

    assert run(scenario()) == [{}] * 10
    assert api.logins == 5


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["access_token", "expires_in", "error", "message", "odd"]),
        st.none() | st.text() | st.integers() | st.floats() | st.lists(st.text()),
    ).map(lambda answer: json.dumps(answer).encode())
    | st.binary(max_size=40),
    st.sampled_from([200, 302, 400, 404, 429, 503]),
)
def test_whatever_the_login_service_answers_there_is_a_token_or_one_of_our_errors(body, status):
    api = FakeApi()
    api.login = lambda request: reply(body, status)
    (result,) = fetch_many(api, 1, max_attempts=1)
    assert result == {} or isinstance(result, GenesysError)


def test_a_login_address_that_redirects_is_a_matter_of_configuration():
    api = FakeApi()
    api.login = lambda request: reply(None, 302, location="https://sso.example.org")
    (error,) = fetch_many(api, 1)
    assert isinstance(error, ConfigurationError)
    assert "the login address leads elsewhere" in str(error)
    assert "GENESYSCLOUD_LOGIN_URL" in str(error)


def test_a_login_service_that_stays_down_is_unavailable():
    api = FakeApi()
    api.login = lambda request: reply(None, 503)
    (error,) = fetch_many(api, 1, max_attempts=3)
    assert isinstance(error, ServiceUnavailableError)
    assert (error.path, api.logins) == ("/oauth/token", 3)


def test_an_unreachable_login_host_names_the_region():
    api = FakeApi()

    def unreachable(request):
        raise httpx.ConnectError("Name or service not known")

    api.login = unreachable
    (error,) = fetch_many(api, 1, max_attempts=2)
    assert "GENESYSCLOUD_REGION" in str(error)
    assert "login.example.org" in str(error)


def test_an_address_without_login_service_is_a_matter_of_configuration():
    api = FakeApi()
    api.login = lambda request: reply(b"not found", 404)
    (error,) = fetch_many(api, 1)
    assert isinstance(error, ConfigurationError)
    assert "GENESYSCLOUD_LOGIN_URL" in str(error)


def test_an_answer_without_a_token_is_malformed_and_not_quoted():
    api = FakeApi()
    api.login = lambda request: reply({"accessToken": "do-not-tell"})
    (error,) = fetch_many(api, 1, max_attempts=1)
    assert isinstance(error, MalformedResponseError)
    assert "do-not-tell" not in str(error)


def test_a_cancelled_request_does_not_take_the_login_from_the_others():
    async def scenario():
        api = FakeApi()
        async with api.client() as client:
            first = asyncio.create_task(client.get_json(PATH))
            second = asyncio.create_task(client.get_json(PATH))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not first.done()
            first.cancel()
            assert await second == {}
        return api.logins

    assert run(scenario()) == 1


def test_importing_the_package_does_not_import_the_official_sdk():
    code = (
        "import sys, pkgutil, importlib, genesys_dagster.genesys as room\n"
        "for module in pkgutil.iter_modules(room.__path__, room.__name__ + '.'): importlib.import_module(module.name)\n"
        "unwanted = {'PureCloudPlatformClientV2', 'dagster', 'pyarrow', 'boto3', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'imported {unwanted}' if unwanted else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_httpx_is_imported_by_one_module_only():
    from pathlib import Path

    import genesys_dagster.genesys as room

    users = [path.name for path in Path(room.__path__[0]).glob("*.py") if "import httpx" in path.read_text()]
    assert users == ["client.py"]


@pytest.mark.parametrize("logins_that_work", [0, 1])
def test_a_login_that_fails_leaves_no_doubt_about_the_request_it_was_for(logins_that_work):
    async def scenario():
        api = FakeApi()
        api.good_tokens = set()
        good = api.login
        api.login = lambda request: good(request) if api.logins <= logins_that_work else reply(None, 503)
        async with api.client(max_attempts=2) as client:
            with pytest.raises(ServiceUnavailableError, match="login service"):
                await client.request("POST", PATH, json={}, repeatable=False)
        return len(api.requests)

    assert run(scenario()) == logins_that_work
