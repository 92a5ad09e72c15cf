"""A way to an S3 server that breaks as a plan says, and that honours conditional writes where the server does not."""

import http.client
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

REFUSED, RESET, TOO_LATE, SILENT, LOST = "refused", "reset", "too late", "silent", "lost answer"
WRONG_CHECKSUM, FLIPPED, FRAMED, TRUNCATED = (
    "wrong checksum",
    "flipped bytes",
    "framing kept",
    "truncated body",
)
ERROR_IN_200 = "200 with an error body"
ANSWERS = {
    "400 EntityTooSmall": (400, "EntityTooSmall"),
    "403 AccessDenied": (403, "AccessDenied"),
    "404 NoSuchBucket": (404, "NoSuchBucket"),
    "404 NoSuchUpload": (404, "NoSuchUpload"),
    "412 PreconditionFailed": (412, "PreconditionFailed"),
    "500 InternalError": (500, "InternalError"),
    "501 NotImplemented": (501, "NotImplemented"),
    "503 SlowDown": (503, "SlowDown"),
    ERROR_IN_200: (200, "InternalError"),
}
_CONDITIONS = {"if-match", "if-none-match"}
_HOP = {"connection", "expect", "transfer-encoding", "content-length", "host"}


@dataclass
class S3Plan:
    """Which calls are struck: those of one kind, the first few of them.

    Attributes:
        call: `put`, `create`, `part`, `complete`, `abort`, `list`, `get`, `head`.
        fault: What happens to them.
        times: How many are struck.
    """

    call: str = ""
    fault: str = ""
    times: int = 10**9
    injected: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, call: str) -> bool:
        with self.lock:
            self.seen[call] += 1
            strikes = bool(self.fault) and call == self.call and self.injected < self.times
            self.injected += strikes
            return strikes


class S3Proxy:
    """The proxy; a context manager.

    Args:
        target: Address of the S3 server.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.plan = S3Plan()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
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

    def reset(self, plan: S3Plan | None = None) -> S3Plan:
        self.plan.over.set()
        self.plan = plan or S3Plan()
        return self.plan

    def refuse(self, request: object, **_: object) -> None:
        """For boto3's event `before-send.s3`: lets a request that is to be refused go where nothing listens."""
        parts = urlsplit(request.url)  # type: ignore[attr-defined]
        plan = self.plan
        if (
            plan.fault == REFUSED
            and call_of(request.method, request.url) == plan.call
            and plan.strikes(plan.call)
        ):  # type: ignore[attr-defined]
            request.url = parts._replace(netloc=f"127.0.0.1:{self.closed_port}").geturl()  # type: ignore[attr-defined]


def call_of(method: str, target: str) -> str:
    """Which of S3's calls a request is."""
    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    if method == "PUT":
        return "part" if "partNumber" in query else "put"
    if method == "POST":
        return "create" if "uploads" in query else "complete" if "uploadId" in query else "other"
    if method == "GET":
        return "list" if "uploads" in query or "list-type" in query else "get"
    return {"HEAD": "head", "DELETE": "abort" if "uploadId" in query else "delete"}.get(method, "other")


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: S3Proxy

    def handle_error(self, *_: object) -> None:
        """Clients that go away are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http
    _to: http.client.HTTPConnection | None = None

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def finish(self) -> None:
        if self._to:
            self._to.close()
        super().finish()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        owner, call = self.server.owner, call_of(self.command, self.path)
        plan = owner.plan
        fault = plan.fault if plan.fault != REFUSED and plan.strikes(call) else ""
        if fault == RESET:
            self._reset()
        elif fault == SILENT:
            plan.over.wait(10)
            self.close_connection = True
        elif fault in ANSWERS:
            self._answer(*ANSWERS[fault])
        else:
            self._forward(call, body, fault, plan)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - as the library calls them

    def _forward(self, call: str, body: bytes, fault: str, plan: S3Plan) -> None:
        is_write = call in {"put", "complete"}
        if is_write and not self._holds():
            self._answer(412, "PreconditionFailed")
            return
        headers = {
            k: v
            for k, v in self.headers.items()
            if k.lower() not in _HOP | (_CONDITIONS if is_write else set())
        }
        if fault in {FLIPPED, FRAMED} and call in {"put", "part"}:
            body = _flipped(body) if fault == FLIPPED else _framed(body)
            headers = {
                k: v
                for k, v in headers.items()
                if not k.lower().startswith(("content-md5", "x-amz-checksum", "x-amz-sdk"))
            }
        status, answer_headers, answer = self._ask(self.command, self.path, body, headers)
        if fault == LOST:
            self._reset()
        elif fault == TOO_LATE:
            plan.over.wait(10)
            self.close_connection = True
        else:
            self._pass_on(call, fault, status, answer_headers, answer)

    def _pass_on(
        self, call: str, fault: str, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        if fault == WRONG_CHECKSUM:
            headers = [
                (k, v if k.lower() != "etag" and "checksum" not in k.lower() else _other(v))
                for k, v in headers
            ]
        length = len(body)
        if call == "get" and fault in {FLIPPED, FRAMED}:
            body = _flipped(body) if fault == FLIPPED else _framed(body)
            length = len(body)
        elif fault == TRUNCATED:
            body = body[: len(body) // 2]
        self._send(status, headers, body, length)
        if fault == TRUNCATED:
            self._reset()

    def _holds(self) -> bool:
        """Whether a write's conditions hold, by the ETag that the server has now."""
        wanted, unwanted = self.headers.get("if-match"), self.headers.get("if-none-match")
        if wanted is None and unwanted is None:
            return True
        signed = {
            k: v for k, v in self.headers.items() if k.lower() in {"host", "authorization", "x-amz-date"}
        }
        status, headers, _ = self._ask("HEAD", urlsplit(self.path).path, b"", signed)
        there = {k.lower(): v for k, v in headers}.get("etag", "").strip('"') if status == 200 else None
        if wanted is not None:
            return there is not None and wanted.strip('"') == there
        return there is None

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        target = self.server.owner.target
        for _ in range(2):
            if self._to is None:
                self._to = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
                self._to.connect()
                self._to.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._to.request(method, path, body, {**headers, "content-length": str(len(body))})
                answer = self._to.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._to.close()
                self._to = None
        raise ConnectionError("the S3 server does not answer")

    def _answer(self, status: int, code: str) -> None:
        said = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>made up</Message></Error>'
        body = b"" if self.command == "HEAD" else said.encode()
        self._send(status, [("content-type", "application/xml"), ("x-amz-request-id", "R1")], body, len(body))

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int) -> None:
        kept = [
            (k, v)
            for k, v in headers
            if k.lower() not in _HOP or (self.command == "HEAD" and k.lower() == "content-length")
        ]
        if self.command != "HEAD" and status != 204:
            kept.append(("content-length", str(length)))
        elif not any(k.lower() == "content-length" for k, _ in kept) and status != 204:
            kept.append(("content-length", "0"))
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in kept) + "\r\n"
        self.wfile.write(head.encode("latin-1") + (b"" if self.command == "HEAD" else body))

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _flipped(body: bytes) -> bytes:
    """The body with a byte changed in its middle: as long as before."""
    if not body:
        return body
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]


def _framed(body: bytes) -> bytes:
    """The body as a store keeps it that does not know trailing checksums (boto/boto3 issue 4435)."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"


def _other(value: str) -> str:
    inner = value.strip('"')
    changed = ("0" if inner[:1] != "0" else "1") + inner[1:]
    return f'"{changed}"' if value.startswith('"') else changed
