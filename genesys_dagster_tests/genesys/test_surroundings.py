"""Wrong settings of the machine end in one sentence that names the variable; nothing is repeated for them."""

import re
import socket
import threading
from contextlib import contextmanager

import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import ConfigurationError, GenesysError, ServiceUnavailableError
from genesys_dagster_tests.genesys.fakes import FakeClock, run, settings

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
PASSWORD = "pass-of-the-proxy"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def attempt(**overrides):
    """What a request over the real network stack ends with, and how long it waited for repeats."""
    clock = FakeClock()

    async def scenario():
        async with GenesysClient(settings(**overrides), clock=clock) as client:
            await client.get_json("/api/v2/x")

    with pytest.raises(GenesysError) as caught:
        run(scenario())
    return caught.value, clock


@contextmanager
def proxy(answer):
    """Something that takes connections and answers each the same."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://me:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALL_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:1080", "SOCKS proxy.*http://host:port"),
        ("HTTPS_PROXY", f"socks4://{PASSWORD}:1080", "SOCKS proxy.*http://host:port"),
        ("HTTPS_PROXY", f"ftp://me:{PASSWORD}@127.0.0.1:21", "unknown kind ftp.*http://host:port"),
        ("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:port", "no address of a proxy.*http://host:port"),
        ("HTTP_PROXY", f"http://me:{PASSWORD}@127.0.0.1:port", "no address of a proxy.*http://host:port"),
        ("NO_PROXY", "localhost,[::1]", r"\[::1\].*without brackets: ::1"),
        ("NO_PROXY", "localhost,fe80::/10", "fe80::/10.*single addresses"),
        ("NO_PROXY", "localhost:port", "localhost:port.*separated by commas"),
        ("SSL_CERT_FILE", "/nowhere/bundle.pem", "FileNotFoundError.*PEM"),
        ("SSL_CERT_FILE", __file__, "SSLError.*PEM"),
        ("SSL_CERT_DIR", "/nowhere", "no directory"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_with_what_to_write(
    monkeypatch, spelled, variable, value, words
):
    name = variable if variable.startswith("SSL") else spelled(variable)
    monkeypatch.setenv(name, value)
    error, clock = attempt()
    assert isinstance(error, ConfigurationError)
    assert not error.retryable
    assert clock.slept == []
    assert name in str(error)
    assert re.search(words, str(error)), str(error)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_a_matter_of_configuration(monkeypatch, scheme):
    with proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n") as address:
        monkeypatch.setenv("ALL_PROXY", address)
        error, clock = attempt(
            login_url=f"{scheme}://login.example.org", api_url=f"{scheme}://api.example.org"
        )
    assert isinstance(error, ConfigurationError)
    assert "the proxy of ALL_PROXY wants a name and a password" in str(error)
    assert "name:password@host:port" in str(error)
    assert PASSWORD not in str(error)
    assert clock.slept == []


def test_a_proxy_that_forbids_the_host_is_a_matter_of_configuration(monkeypatch):
    with proxy(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        error, _ = attempt()
    assert isinstance(error, ConfigurationError)
    assert "the proxy of HTTPS_PROXY refuses" in str(error)


def test_a_proxy_in_trouble_passes(monkeypatch):
    with proxy(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n") as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        error, _ = attempt(max_attempts=2)
    assert isinstance(error, ServiceUnavailableError)
    assert (error.attempts, error.request_sent) == (2, False)


def test_a_proxy_that_is_not_there_is_named(monkeypatch, free_port):
    monkeypatch.setenv("https_proxy", f"http://me:{PASSWORD}@127.0.0.1:{free_port}")
    error, _ = attempt(max_attempts=1)
    assert "through the proxy of https_proxy" in str(error)
    assert PASSWORD not in str(error)


def test_a_client_that_could_not_be_opened_leaves_no_thread(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
    before = threading.active_count()
    attempt()
    assert threading.active_count() == before
