"""One request to Genesys Cloud: login, rate limit, time-outs, gzip, retries, and errors as exceptions.

The only module that knows httpx.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from genesys_dagster import telemetry
from genesys_dagster.genesys import retries
from genesys_dagster.genesys.clock import SYSTEM_CLOCK, Clock
from genesys_dagster.genesys.complaints import complaint_of, correlation_id, rejection
from genesys_dagster.genesys.errors import (
    ConfigurationError,
    GenesysError,
    JobLimitError,
    MalformedResponseError,
    ServiceUnavailableError,
    last_answer,
)
from genesys_dagster.genesys.oauth import Grant, TokenCache, issue_over_http, secrets_of
from genesys_dagster.genesys.pauses import Waiting
from genesys_dagster.genesys.rate_limit import RateLimiter, shared_budget
from genesys_dagster.genesys.responses import Received, Response
from genesys_dagster.genesys.sdk_login import issue_with_sdk
from genesys_dagster.genesys.settings import ClientSettings, SettingNames
from genesys_dagster.genesys.shared_limit import shared_limit
from genesys_dagster.genesys.stats import ClientStats
from genesys_dagster.genesys.surroundings import (
    check_surroundings,
    proxy_variable,
    refused_by_proxy,
    what_is_wrong,
)
from genesys_dagster.genesys.waits import pause_after_429, retry_after
from genesys_dagster.lazy import httpx

__all__ = ["ClientStats", "GenesysClient", "Response"]

T = TypeVar("T")
Params = Mapping[str, str | int]
_log = logging.getLogger(__name__)
_WORTH_A_THREAD = 16_384  # bytes; below, handing over costs more than inflating
# What asyncio receives at once (selector_events.py, max_size). httpcore asks for a quarter of it, and the rest is copied
# each time: a third of the cost of fetching large plain bodies.
_RECEIVED_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class _Call:
    method: str
    path: str
    content: bytes | None
    params: Params | None
    repeatable: bool


class GenesysClient:
    """A connection to one Genesys Cloud organization, for use in one event loop.

    Args:
        settings: Where and how to connect.
        transport: Replaces the network, for tests.
        clock: Replaces the time, for tests.

    Example:
        async with GenesysClient(ClientSettings(client_id=..., client_secret=...)) as client:
            divisions = await client.get_json("/api/v2/authorization/divisions")

    Attributes:
        settings: The settings given.
        clock: The clock in use; whoever waits on behalf of this client uses it too.
        stats: Counters.
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SYSTEM_CLOCK
        self.stats = ClientStats()
        self._wire = _Wire(settings, transport)
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._limiter = RateLimiter(
            settings.requests_per_minute,
            self.clock,
            self._count_wait,
            shared_budget((settings.login_base, settings.client_id), self.clock),
            shared_limit(settings.rate_limit_store, settings.login_base, settings.client_id)
            if settings.rate_limit_store
            else None,
        )
        self._tokens = TokenCache(self._issue_token, self.clock)
        self._unanswered = 0
        self._api_base = settings.api_base
        self._workers: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        self._wire.open()
        self._workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="genesys-inflate")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tokens.aclose()
        await self._wire.aclose()
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)
            self._workers = None
        telemetry.flush()

    async def authenticate(self) -> None:
        """Log in now instead of with the first request; errors as in `fetch`."""
        await self._tokens.current()

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Params | None = None,
        repeatable: bool = True,
    ) -> Response:
        """Send one request and return its answer; arguments and errors as in `fetch`."""
        return await self.fetch(method, path, _as_it_is, json=json, params=params, repeatable=repeatable)

    async def get_json(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """GET a JSON object. Errors as in `fetch`."""
        return await self.fetch("GET", path, Response.json, params=params)

    async def post_json(self, path: str, json: object) -> dict[str, Any]:
        """POST a question (a request that changes nothing) and return the JSON object that answers it."""
        return await self.fetch("POST", path, Response.json, json=json)

    async def fetch(  # noqa: PLR0913 - what an HTTP request has
        self,
        method: str,
        path: str,
        read: Callable[[Response], T],
        *,
        json: object = None,
        params: Params | None = None,
        repeatable: bool = True,
        attempts: int | None = None,
    ) -> T:
        """Send one request, as often as it takes, and return what `read` makes of the answer.

        Args:
            method: HTTP method.
            path: Absolute path on the API host, without query.
            read: Turns a successful answer into the result. It runs in a worker thread when the body is large. If it
                raises `MalformedResponseError`, the request is repeated as after a broken connection.
            json: Body, if any.
            params: Query parameters.
            repeatable: False if the server must not carry it out twice: then it is repeated only when the server
                certainly did not (no connection was made, 401, 429).
            attempts: Attempts at most, instead of the settings'.

        Returns:
            The result of `read`.

        Raises:
            AuthenticationError: The login failed, or a new token was refused.
            PermissionDeniedError: 403.
            JobLimitError: A bulk job too many; the caller knows what to wait for.
            RequestRejectedError: Any other 3xx or 4xx.
            ServiceUnavailableError: 408, 429, 5xx, time-outs and broken connections, up to the last attempt.
            MalformedResponseError: The answer was cut off or unreadable, up to the last attempt.
            SubmitUncertainError: The same of a request that is not repeatable.
        """
        content = None if json is None else msgspec.json.encode(json)
        call = _Call(method, path, content, params, repeatable)
        return await self._repeatedly(lambda: self._attempt(call, read), attempts)

    async def _repeatedly(self, try_once: Callable[[], Awaitable[T]], attempts: int | None = None) -> T:
        tried, most = 0, attempts or self.settings.max_attempts
        while True:
            tried += 1
            try:
                return await try_once()
            except GenesysError as error:
                seconds = retries.seconds_to_repeat(error, tried, self.settings, most)
                if seconds is None:
                    error.attempts = error.attempts or tried
                    raise
                _log.warning("attempt %d of %d failed, next in %.1f s: %s", tried, most, seconds, error)
                what = f"{error.method} {error.path} to be sent again, as {error.problem}"
                telemetry.wait("retry_after" if error.retry_after else "backoff", seconds)
                await Waiting(self.clock, what).sleep(seconds)
                self.stats.count_retry(error.path, error.status)

    async def _attempt(self, call: _Call, read: Callable[[Response], T]) -> T:
        async with self._slots:
            token = await self._tokens.current()
            try:
                received = await self._ask(call, token)
                if received.status == 401:  # nothing was carried out: safe to repeat whatever it is
                    token = await self._tokens.after_rejection(token)
                    received = await self._ask(call, token)
                return await self._read(call, received, read, token)
            except (ServiceUnavailableError, MalformedResponseError) as error:
                if not call.repeatable and not retries.certainly_not_carried_out(error):
                    raise retries.uncertain(error) from None
                raise

    async def _ask(self, call: _Call, token: str) -> Received:
        await self._limiter.acquire()
        headers = {"authorization": f"Bearer {token}"}
        if call.content is not None:
            headers["content-type"] = "application/json"
        self.stats.requests += 1
        self._unanswered += 1
        last_answer.set(None)
        sent, status, size = self.clock.monotonic(), None, 0
        try:
            received = await self._wire.exchange(
                call.method, self._api_base + call.path, headers, call.content, call.params
            )
            status, size = received.status, len(received.raw)
        except GenesysError as error:
            error.method, error.path = call.method, call.path
            raise
        finally:
            self._unanswered -= 1
            self.stats.count_answer(call.path, status, size, self.clock.monotonic() - sent)
        self._limiter.observe(received.headers, self._unanswered)
        last_answer.set((call.path, correlation_id(received.headers, secrets_of(self.settings, token))))
        return received

    async def _read(self, call: _Call, received: Received, read: Callable[[Response], T], token: str) -> T:
        if not 200 <= received.status < 300:
            raise await self._rejection(call, received, token)

        def inflate_and_read() -> T:
            return read(Response(received.status, received.headers, received.content()))

        try:
            if len(received.raw) < _WORTH_A_THREAD:
                return inflate_and_read()
            return await asyncio.get_running_loop().run_in_executor(self._workers, inflate_and_read)
        except MalformedResponseError as error:
            error.method, error.path, error.status = call.method, call.path, received.status
            error.correlation_id = correlation_id(received.headers, secrets_of(self.settings, token))
            raise

    async def _rejection(self, call: _Call, received: Received, token: str) -> GenesysError:
        complaint = complaint_of(received, secrets_of(self.settings, token))
        error = rejection(call.method, call.path, received.status, complaint, self.settings.names)
        now = self.clock.now()
        if received.status != 429 or isinstance(error, JobLimitError):
            # The latter says nothing about other requests: they go on.
            error.retry_after = retry_after(received.headers, now)
            return error
        error.retry_after = pause_after_429(received.headers, complaint.message, now, complaint.limit_key)
        if error.retry_after <= self.settings.max_retry_after:
            await self._limiter.pause(error.retry_after)
            self.stats.count_wait(error.retry_after)  # of this request; others wait for the limiter
        return error

    def _count_wait(self, seconds: float) -> None:
        telemetry.wait("rate_limit", seconds)
        self.stats.count_wait(seconds)

    async def _issue_token(self) -> Grant:
        if self.settings.auth == "sdk":
            return await self._repeatedly(lambda: issue_with_sdk(self.settings))
        return await self._repeatedly(lambda: issue_over_http(self.settings, self._wire.post, self.clock))


class _Wire:
    """Connections: sends one HTTP request and receives the whole answer, without looking into it."""

    def __init__(self, settings: ClientSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        self._settings = settings
        self._transport = transport
        self._http: httpx.AsyncClient | None = None

    def open(self) -> None:
        settings = self._settings
        connections = settings.max_concurrency + 1  # one more for the login
        check_surroundings()
        _receive_in_large_pieces()
        try:
            self._http = httpx.AsyncClient(
                transport=self._transport,
                headers={
                    "accept": "application/json",
                    "accept-encoding": "gzip",
                    "user-agent": "genesys-dagster",
                },
                timeout=httpx.Timeout(settings.request_timeout, connect=settings.connect_timeout),
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            raise what_is_wrong(error) from None

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Received:
        return await self.exchange("POST", url, headers, content, None)

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, params: Params | None
    ) -> Received:
        if self._http is None:
            raise RuntimeError("the client is not open: use it as `async with GenesysClient(...) as client`")
        # httpx limits single reads; this limits the whole, so that a trickle cannot hold a request for ever.
        limit = self._settings.connect_timeout + self._settings.request_timeout
        try:
            request = self._http.build_request(method, url, content=content, params=params, headers=headers)
            async with asyncio.timeout(limit):
                response = await self._http.send(request, stream=True)
                try:
                    # The stream itself, not aiter_raw: its chunking and counting cost time and serve nothing here.
                    chunks = [chunk async for chunk in response.stream]  # type: ignore[union-attr]
                finally:
                    await response.aclose()
        except TimeoutError:
            raise _broken(f"no complete answer within {limit:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise _transport_error(error, url, self._settings.names) from None
        if response.status_code == 407:  # over plain HTTP, a proxy's answer looks like the server's
            raise refused_by_proxy(urlsplit(url).scheme, 407)
        return Received(response.status_code, response.headers, b"".join(chunks))


def _receive_in_large_pieces() -> None:
    """Of the whole process: httpx has no setting for it."""
    import httpcore

    httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = _RECEIVED_AT_ONCE


def _as_it_is(response: Response) -> Response:
    return response


def _broken(problem: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(problem, remedy="Check the network between here and Genesys Cloud.")


def _transport_error(error: Exception, url: str, names: SettingNames) -> GenesysError:
    """Translate what httpx says; its own texts are not used, they may quote addresses with parameters."""
    kind, parts = type(error).__name__, urlsplit(url)
    host = parts.hostname
    if _is_caused_by(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of {host} cannot be verified",
            remedy="Behind an inspecting proxy, set SSL_CERT_FILE to a bundle that holds the proxy's certificate.",
        )
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return ConfigurationError(
            f"the address of {host} cannot be used ({kind})",
            remedy=f"Check {names.api_url} and {names.login_url}.",
        )
    if isinstance(error, httpx.ProxyError):
        # httpcore's text begins with the status of the proxy's answer (httpcore/_async/http_proxy.py).
        status = re.match(r"[1-5][0-9][0-9]\b", str(error))
        if status and int(status[0]) < 500:
            return refused_by_proxy(parts.scheme, int(status[0]))
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)):
        proxy = proxy_variable(parts.scheme)
        through = f" through the proxy of {proxy}" if proxy else ""
        addresses = f"{names.region}, {names.api_url}, {names.login_url}"
        failure = ServiceUnavailableError(
            f"no connection to {host}{through} ({kind})",
            remedy=f"Check the network, {addresses} and {proxy or 'HTTPS_PROXY'}.",
        )
        failure.request_sent = False
        return failure
    return _broken(f"the connection to {host} broke ({kind})")


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
