import subprocess
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    MalformedResponseError,
    ServiceUnavailableError,
)
from genesys_dagster_tests.genesys.fakes import SECRET, FakeApi, FakeClock, run

PATH = "/api/v2/some/thing"


@pytest.fixture
def sdk(monkeypatch):
    """A stand-in for the official SDK, whose import takes seconds; its last test uses the real one."""

    class ApiClient:
        behaviour = staticmethod(lambda client, client_id, secret: f"token-of-{client_id}")
        logins = 0

        def __init__(self, host=None):
            self.host = host
            self.access_token = ""

        def get_conf_url(self, path_type, base_path):
            return "https://login.of.the.sdk"

        def get_client_credentials_token(self, client_id, client_secret):
            ApiClient.logins += 1
            self.access_token = ApiClient.behaviour(self, client_id, client_secret)
            return self

    module = types.ModuleType("PureCloudPlatformClientV2.api_client")
    module.ApiClient = ApiClient
    monkeypatch.setitem(
        sys.modules, "PureCloudPlatformClientV2", types.ModuleType("PureCloudPlatformClientV2")
    )
    monkeypatch.setitem(sys.modules, "PureCloudPlatformClientV2.api_client", module)
    return ApiClient


def get(api, clock=None, **settings):
    async def scenario():
        async with api.client(clock, **{"auth": "sdk", **settings}) as client:
            return await client.get_json(PATH)

    return run(scenario())


def failing(error):
    def behaviour(client, client_id, secret):
        raise error

    return staticmethod(behaviour)


def test_the_token_comes_from_the_sdk_and_the_login_address_from_the_settings(sdk):
    hosts = []
    sdk.behaviour = staticmethod(
        lambda client, *_: hosts.append((client.host, client.get_conf_url("login", "x"))) or "tok"
    )
    api = FakeApi()
    assert get(api) == {}
    assert api.logins == 0
    assert api.seen[0].headers["authorization"] == "Bearer tok"
    assert hosts == [("https://api.example.org", "https://login.example.org")]


def test_the_sdks_token_is_kept_for_the_shortest_possible_lifetime(sdk):
    api, clock = FakeApi(), FakeClock()

    async def scenario():
        async with api.client(clock, auth="sdk") as client:
            await client.get_json(PATH)
            clock.time += 269
            await client.get_json(PATH)
            assert sdk.logins == 1
            clock.time += 2
            await client.get_json(PATH)
            assert sdk.logins == 2

    run(scenario())


def test_a_401_renews_the_sdks_token_too(sdk):
    api = FakeApi()
    api.good_tokens = {"second"}
    tokens = ["first", "second"]
    sdk.behaviour = staticmethod(lambda *_: tokens.pop(0))
    assert get(api) == {}


@pytest.mark.parametrize("status", [400, 401])
def test_a_login_that_the_sdk_reports_as_refused_names_the_variables(sdk, status):
    class ApiException(Exception):  # noqa: N818
        pass

    error = ApiException(f"body with {SECRET}")
    error.status, error.reason = status, "Bad Request"
    sdk.behaviour = failing(error)
    with pytest.raises(AuthenticationError, match="GENESYSCLOUD_OAUTHCLIENT_ID") as caught:
        get(FakeApi())
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert sdk.logins == 1


def test_another_failure_of_the_sdk_is_repeated_and_told_without_its_text(sdk):
    sdk.behaviour = failing(OSError(f"secret {SECRET}"))
    with pytest.raises(ServiceUnavailableError, match="OSError") as caught:
        get(FakeApi(), max_attempts=3)
    assert SECRET not in str(caught.value)
    assert sdk.logins == 3


def test_a_login_that_hangs_in_the_sdk_is_given_up(sdk):
    release = threading.Event()
    sdk.behaviour = staticmethod(lambda *_: release.wait(10))
    try:
        with pytest.raises(ServiceUnavailableError, match=r"within 0\.05 s"):
            get(FakeApi(), request_timeout=0.05, max_attempts=1)
    finally:
        release.set()


def test_an_empty_token_of_the_sdk_is_malformed(sdk):
    sdk.behaviour = staticmethod(lambda *_: "")
    with pytest.raises(MalformedResponseError):
        get(FakeApi(), max_attempts=1)


def test_a_missing_sdk_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "PureCloudPlatformClientV2", None)
    monkeypatch.setitem(sys.modules, "PureCloudPlatformClientV2.api_client", None)
    with pytest.raises(ConfigurationError, match=r"pip install genesys-dagster\[sdk\]"):
        get(FakeApi())


@pytest.mark.slow
def test_the_official_sdk_logs_in_at_the_address_of_the_settings(tmp_path):
    seen = []

    class Login(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            body = b'{"access_token": "from-the-sdk", "expires_in": 86400}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Login)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = (
        "import asyncio\n"
        "from genesys_dagster.genesys.sdk_login import issue_with_sdk\n"
        "from genesys_dagster.genesys.settings import ClientSettings\n"
        f"settings = ClientSettings(client_id='i', client_secret='s', auth='sdk', "
        f"login_url='http://127.0.0.1:{server.server_port}/gateway')\n"
        "print(asyncio.run(issue_with_sdk(settings)).access_token)"
    )
    try:  # in a process of its own: the SDK keeps process-wide state and reads a file of the home directory
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": str(tmp_path)},
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.stdout.strip() == "from-the-sdk", done.stderr
    ((path, form),) = seen
    assert path == "/gateway/oauth/token"
    assert form == b"grant_type=client_credentials"
