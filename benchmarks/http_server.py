"""The least HTTP/1.1 server that keeps connections alive: a thread per connection, blocking sockets.

It serves prebuilt bodies without copying them and takes large ones in one piece, so that it is never what limits a
measurement. It counts requests and the bytes of bodies (`GET /benchmarks/traffic`), runs in a process of its own and
ends with the process that started it.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytearray


@dataclass(frozen=True)
class Reply:
    body: Bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    """Content-Length of an answer without body (HEAD)."""


Handler = Callable[[Request], Reply]

TRAFFIC_PATH = "/benchmarks/traffic"
"""Not of any API, and not counted: requests so far, and bytes of bodies received and sent."""


@dataclass
class _Traffic:
    requests: int = 0
    received: int = 0
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counted(self, request: Request, handle: Handler) -> Reply:
        if request.path == TRAFFIC_PATH:
            counts = {"requests": self.requests, "received": self.received, "sent": self.sent}
            return Reply(json.dumps(counts).encode())
        reply = handle(request)
        with self._lock:
            self.requests += 1
            self.received += len(request.body)
            self.sent += len(reply.body)
        return reply


def serve(handle: Handler) -> None:
    """Serve on a free port of 127.0.0.1, write its number to stdout, and end when stdin does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    traffic = _Traffic()
    while True:
        connection, _ = listener.accept()
        arguments = (connection, partial(traffic.counted, handle=handle))
        threading.Thread(target=_serve_connection, args=arguments, daemon=True).start()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _serve_connection(connection: socket.socket, handle: Handler) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb", buffering=65_536) as reader, suppress(ConnectionError):
        while request := _read(connection, reader):
            _answer(connection, handle(request))


def _read(connection: socket.socket, reader: Any) -> Request | None:
    words = reader.readline().split()
    if len(words) != 3:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.decode().lower()] = value.strip().decode()
    if "expect" in headers:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray(int(headers.get("content-length", 0)))
    received, view = 0, memoryview(body)
    while received < len(body):
        count = reader.readinto(view[received:])
        if not count:
            return None
        received += count
    target = urlsplit(words[1].decode())
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return Request(words[0].decode(), unquote(target.path), query, headers, body)


def _answer(connection: socket.socket, reply: Reply) -> None:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [f"Content-Length: {len(reply.body) if reply.length is None else reply.length}", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    if reply.body:
        connection.sendall(reply.body)
