"""Whatever an org's settings are called, errors call them so."""

import sys
import types
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

import genesys_dagster.genesys as room
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.settings import SettingNames
from genesys_dagster_tests.genesys.fakes import FakeApi, FakeClock, reply, run, settings

OTHER = SettingNames(**{name: f"acme.{name}" for name in asdict(SettingNames())})


def told(names, answer=None, login=None, **overrides):
    """What the error says that a request ends in, where the API or the login gives that answer (or raises it)."""

    def giving(thing):
        def handler(request):
            if isinstance(thing, Exception):
                raise thing
            return thing

        return handler

    api = FakeApi(giving(answer or reply({})))
    api.login = giving(login) if login else api.login

    async def scenario():
        given = settings(max_attempts=1, names=names, **overrides)
        async with GenesysClient(given, transport=api, clock=FakeClock()) as client:
            await client.get_json("/api/v2/some/thing")

    with pytest.raises(GenesysError) as caught:
        run(scenario())
    return str(caught.value)


def check(names, **situation):
    text, usual = told(OTHER, **situation), told(SettingNames(), **situation)
    assert "GENESYSCLOUD_" not in text
    assert {name for name in asdict(OTHER).values() if name in text} == {
        asdict(OTHER)[name] for name in names
    }
    for name, variable in asdict(SettingNames()).items():
        usual = usual.replace(variable, asdict(OTHER)[name])
    assert text == usual


LOGIN = ("client_id", "client_secret", "region")
ADDRESSES = ("region", "api_url", "login_url")


@pytest.mark.parametrize(
    ("names", "situation"),
    [
        (("client_id",), {"client_id": ""}),
        (("client_id", "client_secret"), {"client_id": "", "client_secret": " "}),
        (("client_secret",), {"client_secret": "two words"}),
        (("client_id", "client_secret"), {"client_id": "id:secret"}),
        (("region",), {"region": "mars-1", "api_url": None}),
        (("region",), {"region": "x" * 50, "login_url": None}),
        (("api_url",), {"api_url": "api.example.org"}),
        (("api_url",), {"api_url": "https://me:pw@api.example.org"}),
        (("login_url",), {"login_url": "https://[::1"}),
        (("login_url",), {"login_url": "https://login.example.org/oauth/token"}),
        (LOGIN, {"login": reply({"error": "invalid_client"}, 401)}),
        (LOGIN, {"answer": reply({}, 401)}),
        (("region", "login_url"), {"login": reply({"accessToken": "x"})}),
        (("region", "login_url"), {"login": reply(None, 302)}),
        (("region", "login_url"), {"login": reply(None, 404)}),
        (ADDRESSES, {"login": httpx.ConnectError("unknown")}),
        (ADDRESSES, {"answer": httpx.ConnectTimeout("late")}),
        (("api_url", "login_url"), {"answer": httpx.UnsupportedProtocol("x")}),
        (("region", "api_url"), {"answer": reply(None, 307)}),
        (("region", "api_url"), {"answer": reply(b"not found", 404)}),
        ((), {"answer": reply({"code": "not.found", "message": "none"}, 404)}),
        ((), {"answer": reply(None, 403)}),
        ((), {"answer": httpx.ReadError("broken")}),
    ],
)
def test_an_error_calls_the_settings_what_they_are_called(names, situation):
    check(names, **situation)


@pytest.mark.parametrize(("status", "names"), [(401, LOGIN), (503, ("region", "login_url"))])
def test_so_does_the_sdks_login(monkeypatch, status, names):
    class ApiClient:
        def __init__(self, host):
            pass

        def get_client_credentials_token(self, client_id, client_secret):
            error = OSError()
            error.status = status
            raise error

    module = types.ModuleType("PureCloudPlatformClientV2.api_client")
    module.ApiClient = ApiClient
    monkeypatch.setitem(sys.modules, "PureCloudPlatformClientV2", types.ModuleType("parent"))
    monkeypatch.setitem(sys.modules, "PureCloudPlatformClientV2.api_client", module)
    check(names, auth="sdk")


def test_the_usual_names_stand_in_one_place():
    texts = {path.name: path.read_text() for path in Path(room.__path__[0]).rglob("*.py")}
    for variable in asdict(SettingNames()).values():
        assert {name: text.count(variable) for name, text in texts.items() if variable in text} == {
            "settings.py": 1
        }
