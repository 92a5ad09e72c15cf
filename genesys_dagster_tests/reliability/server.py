"""The wire: a threaded HTTP server that answers as `Api` says, and breaks as the plan of faults says."""

import gzip
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx

from genesys_dagster_tests.reliability.api import Answer, Api, Request

Fault = Callable[[Answer, Request, Api], Answer]
ALWAYS = 10**9
MOST_REQUESTS = 3_000  # of one cell: more is going round in circles


@dataclass
class Plan:
    """Which fault strikes where: the n-th request to a place and the ones after it, a few times.

    Attributes:
        place: Name of the place; one that ends in a dot stands for all places that begin so.
        fault: What happens to the answer; None breaks nothing, "refused" refuses the connection.
        nth: The first request struck, from 1.
        times: How many requests are struck.
    """

    place: str = ""
    fault: Fault | str | None = None
    nth: int = 1
    times: int = ALWAYS
    seen: Counter[str] = field(default_factory=Counter)
    injected: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, place: str, *, is_refusal: bool) -> bool:
        if self.fault is None or not place.startswith(self.place) or is_refusal != (self.fault == "refused"):
            return False
        with self.lock:
            self.seen[self.place] += 1
            strikes = self.nth <= self.seen[self.place] < self.nth + self.times
            self.injected += strikes
            return strikes


class Server:
    """Serves an `Api` on localhost; a context manager.

    Attributes:
        api: What answers.
        plan: What breaks.
        requests: How many were served since the last reset.
        unknowable: Jobs of whose submission the client never heard.
    """

    def __init__(self) -> None:
        self.api = Api()
        self.plan = Plan()
        self.requests = 0
        self.unknowable: set[str] = set()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._closed = socket.socket()  # bound and not listening: connections to it are refused
        self._closed.bind(("127.0.0.1", 0))
        self.closed_port = self._closed.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.plan.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._closed.close()

    def reset(self, plan: Plan | None = None) -> Plan:
        """Begin anew with a plan; whatever still waits for the old one is let go."""
        self.plan.over.set()
        self.api.reset()
        self.plan, self.requests, self.unknowable = plan or Plan(), 0, set()
        return self.plan

    def answer(self, request: Request) -> Answer:
        self.requests += 1
        if self.requests > MOST_REQUESTS:
            return Answer(410, {"message": "this goes on for ever", "status": 410, "code": "endless"})
        plan, place = self.plan, self.api.place(request)
        jobs = {name: replace(job) for name, job in self.api.jobs.items()}
        answer = self.api.answer(request)
        if not plan.strikes(place, is_refusal=False) or not callable(plan.fault):
            return answer
        answer = plan.fault(replace(answer, headers=dict(answer.headers)), request, self.api)
        if answer.status >= 400:  # what is refused is not carried out
            self.api.jobs = jobs
        elif place == "submit":
            self.unknowable |= {*self.api.jobs} - {*jobs}
        return answer

    def transport(self) -> httpx.AsyncBaseTransport:
        """A way to the server on which connections can be refused."""
        return _MayBeRefused(self)


class _MayBeRefused(httpx.AsyncHTTPTransport):
    """Sends a request whose connection is to be refused to a port on which nothing listens."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = Request.of(request.method, request.url.raw_path.decode(), request.content)
        if self._server.plan.strikes(self._server.api.place(asked), is_refusal=True):
            url = request.url.copy_with(port=self._server.closed_port)
            request = httpx.Request(
                request.method,
                url,
                headers=request.headers,
                content=request.content,
                extensions=request.extensions,
            )
        return await super().handle_async_request(request)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: Server

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        owner = self.server.owner
        over = owner.plan.over
        answer = owner.answer(Request.of(self.command, self.path, content))
        if answer.reset:
            self._reset()
        elif answer.silent:
            self._fall_silent(over)
        else:
            self._send(answer, over)

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - as the library calls them

    def _send(self, answer: Answer, over: threading.Event) -> None:
        body = answer.body()
        headers = dict(answer.headers)
        if body and answer.gzip and answer.raw is None:
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
        headers = {"content-type": "application/json", **headers, "content-length": str(len(body))}
        head = (
            f"HTTP/1.1 {answer.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        )
        end = min(end for end in (answer.cut, answer.stall, len(body)) if end is not None)
        self.wfile.write(head.encode() + body[:end])
        if answer.cut is not None:
            self._reset()
        elif answer.stall is not None:
            self._fall_silent(over)

    def _reset(self) -> None:
        # Closed with unsent data thrown away, a connection ends in a reset (socket(7), SO_LINGER).
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _fall_silent(self, over: threading.Event) -> None:
        over.wait(10)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
