"""What every request passes before its endpoint: correlation id, token, rate limit, faults, log."""

import asyncio
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genesys_dagster.sandbox.api.errors import ApiError, too_many_requests
from genesys_dagster.sandbox.api.oauth import authenticate
from genesys_dagster.sandbox.api.state import LoggedRequest, State

_STATUS_FAILURES = {
    "401": "credentials.expired",
    "404": "not.found",
    "408": "client.timeout",
    "500": "internal.server.error",
    "503": "service.unavailable",
    "504": "request.timeout",
}
_BAD_GATEWAY = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"


class Gateway:
    """ASGI middleware in front of all endpoints."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith("/sandbox"):
            await self._app(scope, receive, send)
            return
        await _Exchange(self._app, self._state, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, state: State, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._state = app, state
        self._scope, self._receive, self._send = scope, receive, send
        self._correlation_id = str(uuid4())
        scope.setdefault("state", {})["correlation_id"] = self._correlation_id
        self._headers = {"ININ-Correlation-Id": self._correlation_id}
        self._logged = False
        self._body = b""
        self._is_received = False
        self._failure: str | None = None

    async def run(self) -> None:
        faults, path = self._state.settings.faults, self._scope["path"]
        self._failure = faults.strike(self._scope["method"], path)
        if faults.latency_seconds:
            await asyncio.sleep(faults.latency_seconds)
        if self._failure == "drop":
            await self._break()
        else:
            await self._answer(path)

    async def _answer(self, path: str) -> None:
        try:
            if path.startswith("/api/"):
                self._admit()
            canned = self._canned()
        except ApiError as error:
            canned = error.response(self._correlation_id)
        app = canned or self._app
        if self._failure in {"truncate", "cut", "lost"}:
            await self._damaged(app)
        else:
            await app(self._scope, self._receiving, self._sending)

    def _admit(self) -> None:
        """Check the token and count the request.

        Raises:
            ApiError: 401 or 429.
        """
        state = self._state
        token = authenticate(state, Headers(scope=self._scope).get("authorization"))
        usage = state.limiter.use(token, state.settings.requests_per_minute, state.settings.clock())
        self._headers |= usage.headers()
        if self._failure == "401":
            state.tokens[token] = state.settings.clock()
        if usage.exceeded:
            raise too_many_requests(usage.reset, usage.allowed)

    def _canned(self) -> Response | None:
        """The answer of an injected failure, if it does not need the endpoint's."""
        settings = self._state.settings
        if self._failure in _STATUS_FAILURES:
            raise ApiError(_STATUS_FAILURES[self._failure])
        if self._failure == "429":
            raise too_many_requests(settings.faults.retry_after, settings.requests_per_minute)
        if self._failure == "502":
            return Response(_BAD_GATEWAY, 502, media_type="text/html")
        if self._failure == "garbage":
            return Response(b'{"conversations":[{"conversationId":', media_type="application/json")
        if self._failure == "empty":
            return Response(b"", media_type="application/json")
        return None

    async def _damaged(self, app: ASGIApp) -> None:
        """Carry the request out, then lose the answer or its second half."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await app(self._scope, self._receiving, keep)
        if self._failure == "lost":
            await self._break()
            return
        start = messages[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        half = body[: len(body) // 2]
        if self._failure == "cut":
            MutableHeaders(raw=start["headers"])["content-length"] = str(len(half))
        await self._sending(start)
        await self._sending(
            {"type": "http.response.body", "body": half, "more_body": self._failure == "truncate"}
        )
        if self._failure == "truncate":
            await self._break(flush=True)

    async def _break(self, *, flush: bool = False) -> None:
        """Break the connection, after what has been sent so far or at once.

        First the request is received to its end: a socket that is closed on unread data, or to which more is sent,
        answers with a reset (RFC 1122, 4.2.2.13), and then it would depend on the network's timing which of
        several errors the client sees.
        """
        while not self._is_received:
            await self._receiving()
        self._log(0)
        for connection in list(self._state.connections()):
            if connection.client == tuple(self._scope["client"] or ()):
                if flush:
                    connection.transport.close()
                else:
                    connection.transport.abort()
                # The server learns of it in the next turn of the loop, and then expects no answer.
                await asyncio.sleep(0.01)
                return
        raise ConnectionResetError("the sandbox broke the connection")

    def _log(self, status: int) -> None:
        """Log the request, before its client can know of the answer."""
        if not self._logged:
            self._logged = True
            method, path = self._scope["method"], self._scope["path"]
            query = self._scope["query_string"].decode()
            self._state.requests.append(LoggedRequest(method, path, status, query, self._body))

    async def _receiving(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._body += message.get("body", b"")
        self._is_received = not message.get("more_body", False)
        return message

    async def _sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._log(message["status"])
            headers = MutableHeaders(raw=message["headers"])
            for name, value in self._headers.items():
                headers[name] = value
        await self._send(message)


def correlation_id(scope_state: Any) -> str | None:
    """The correlation id of the request, for error bodies."""
    return getattr(scope_state, "correlation_id", None)
