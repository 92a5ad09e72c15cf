"""A simulated clock, and Genesys Cloud as a function: what the tests of this room stand on."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails, Page
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.settings import ClientSettings

T = TypeVar("T")
SECRET = "s3cr3t-of-the-client"
QUERY = "/api/v2/analytics/conversations/details/query"
JOBS = "/api/v2/analytics/conversations/details/jobs"
DAY = Interval(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def run(work: Coroutine[Any, Any, T], patience: float = 20.0) -> T:
    """Run a coroutine; a test that hangs fails instead."""

    async def bounded() -> T:
        async with asyncio.timeout(patience):
            return await work

    return asyncio.run(bounded())


class FakeClock:
    """Time that passes only by sleeping, and then at once."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.time - 1000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.time + seconds
        for _ in range(20):  # whoever is ready goes first
            await asyncio.sleep(0)
        self.time = max(self.time, until)


def settings(**overrides: Any) -> ClientSettings:
    values = {
        "client_id": "an-id",
        "client_secret": SECRET,
        "api_url": "https://api.example.org",
        "login_url": "https://login.example.org",
        "initial_backoff": 0.0,
        "max_backoff": 0.0,
    }
    return ClientSettings(**(values | overrides))


def error_body(code: str, message: str, status: int = 400, context: str = "ctx-1") -> dict[str, Any]:
    return {
        "message": message,
        "code": code,
        "status": status,
        "contextId": context,
        "details": [],
        "errors": [],
    }


def reply(body: object = None, status: int = 200, *, zipped: bool = False, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if zipped:
        content = gzip.compress(content)
        named["content-encoding"] = "gzip"
    return httpx.Response(status, headers=named, content=content)


Handler = Callable[[httpx.Request], httpx.Response]


class FakeApi(httpx.AsyncBaseTransport):
    """Answers requests by functions; tokens are `token-1`, `token-2` and so on.

    Attributes:
        requests: (method, path) of every request to the API host.
        logins: Number of token requests.
        good_tokens: If set, other tokens get a 401.
    """

    def __init__(self, handler: Handler | None = None) -> None:
        self.handler = handler or (lambda request: reply({}))
        self.login: Handler = lambda request: reply(
            {"access_token": f"token-{self.logins}", "expires_in": 86400}
        )
        self.requests: list[tuple[str, str]] = []
        self.seen: list[httpx.Request] = []
        self.logins = 0
        self.good_tokens: set[str] | None = None
        self.in_flight = 0
        self.most_in_flight = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.url.path == "/oauth/token":
            self.logins += 1
            await asyncio.sleep(0)
            return self.login(request)
        self.requests.append((request.method, request.url.path))
        self.seen.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
            token = request.headers["authorization"].removeprefix("Bearer ")
            if self.good_tokens is not None and token not in self.good_tokens:
                return reply(error_body("bad.credentials", "Invalid login credentials.", 401), 401)
            return self.handler(request)
        finally:
            self.in_flight -= 1

    def client(self, clock: FakeClock | None = None, **overrides: Any) -> GenesysClient:
        return GenesysClient(settings(**overrides), transport=self, clock=clock or FakeClock())

    def count(self, method: str, path: str) -> int:
        return self.requests.count((method, path))


def script(*answers: httpx.Response | Exception) -> Handler:
    """Give the answers one after another; the last one for ever."""
    left = list(answers)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


class FakeQuery:
    """The interactive query over conversations that start at the given instants; ids are their numbers."""

    def __init__(self, starts: list[datetime], cap: int = 100_000) -> None:
        self.starts = starts
        self.cap = cap
        self.bodies: list[dict[str, Any]] = []
        self.total_hits: Callable[[int, int], int] = lambda real, page_number: real
        self.largest_page: int | None = None
        self.page_limit: int | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        start, end = (parse_instant(part) for part in body["interval"].split("/"))
        size, number = body["paging"]["pageSize"], body["paging"]["pageNumber"]
        if end - start > timedelta(days=7):
            return reply(
                error_body("bad.request", "You must specify a search interval that does not exceed 7 days"),
                400,
            )
        if size * number > self.cap:
            return reply(error_body("bad.request", f"Pagination may not exceed {self.cap} results."), 400)
        if self.largest_page is not None and size > self.largest_page:
            return reply(error_body("response.entity.too.large", "Please reduce pageSize"), 400)
        size = min(size, self.page_limit or size)
        inside = [number for number, moment in enumerate(self.starts) if start <= moment < end]
        rows = inside[(number - 1) * size : number * size]
        hits = self.total_hits(len(inside), number)
        if not rows:
            return reply({"totalHits": hits} if inside else {})
        return reply({"conversations": [{"conversationId": str(row)} for row in rows], "totalHits": hits})


def evenly(count: int, interval: Interval = DAY) -> list[datetime]:
    milliseconds = interval.length / timedelta(milliseconds=1)
    return [interval.start + timedelta(milliseconds=int(i * milliseconds / count)) for i in range(count)]


def ids(page: Page, key: str = "conversationId") -> list[str]:
    return [record[key] for record in json.loads(page.body).get(page.records_key) or []]


async def collect(details: ConversationDetails, interval: Interval = DAY) -> list[Page]:
    return [page async for page in details.pages(interval)]


async def export(
    api: FakeApi, interval: Interval = DAY, *, clock: FakeClock | None = None, **options: Any
) -> list[str]:
    """Export an interval through the public surface and return the ids in order of delivery."""
    connection = {
        key: options.pop(key) for key in list(options) if key in ClientSettings.__dataclass_fields__
    }
    async with api.client(clock, **connection) as client:
        pages = await collect(ConversationDetails(client, **options), interval)
    return [
        row
        for page in pages
        for row in ids(page, "id" if page.records_key == "entities" else "conversationId")
    ]


async def items(iterator: AsyncIterator[T]) -> list[T]:
    return [item async for item in iterator]
