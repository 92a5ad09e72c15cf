"""One server for each module of tests, with a clock that stands still, and clean switches for each test."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.settings import SandboxSettings

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # a Friday afternoon
DETAILS = "/api/v2/analytics/conversations/details"


class Api:
    """A client with a token; what the tests talk through."""

    def __init__(self, server: SandboxServer) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.login(server)

    def login(self, server: SandboxServer) -> None:
        credentials = (server.settings.client_id, server.settings.client_secret)
        answer = self.http.post("/oauth/token", auth=credentials, data={"grant_type": "client_credentials"})
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def query(self, interval: str, size: int = 100, number: int = 1, **fields) -> httpx.Response:
        body = {"interval": interval, "paging": {"pageSize": size, "pageNumber": number}, **fields}
        return self.http.post(f"{DETAILS}/query", json=body)

    def query_all(self, interval: str, size: int = 100, **fields) -> list[dict]:
        rows, number = [], 1
        while page := self.query(interval, size, number, **fields).json().get("conversations"):
            rows += page
            number += 1
        return rows

    def job(self, interval: str, **fields) -> str:
        return self.http.post(f"{DETAILS}/jobs", json={"interval": interval, **fields}).json()["jobId"]

    def results(self, job_id: str, **params) -> list[dict]:
        rows = []
        while True:
            page = self.http.get(f"{DETAILS}/jobs/{job_id}/results", params=params).json()
            rows += page.get("conversations", [])
            if "cursor" not in page:
                return rows
            params["cursor"] = page["cursor"]


@pytest.fixture(scope="session")
def made_up() -> Org:
    """The org of all servers: what it made once it need not make again."""
    return Org(conversations_per_day=150)


@pytest.fixture(scope="module")
def running(made_up: Org) -> Iterator[SandboxServer]:
    with SandboxServer(made_up, settings=SandboxSettings(now=lambda: NOW)) as server:
        yield server


@pytest.fixture
def server(running: SandboxServer) -> Iterator[SandboxServer]:
    """The module's server as if freshly started."""
    fresh = SandboxSettings(now=lambda: NOW, requests_per_minute=10_000)
    for name, value in vars(fresh).items():
        if name != "faults":
            setattr(running.settings, name, value)
    running.reset()
    return running


@pytest.fixture
def api(server: SandboxServer) -> Iterator[Api]:
    api = Api(server)
    yield api
    api.http.close()
