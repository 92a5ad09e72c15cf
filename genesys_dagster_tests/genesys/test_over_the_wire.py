"""What only real connections show: breaks, cut-off bodies, time-outs, cancellation, reuse."""

import asyncio
import gzip
import json
import time
from contextlib import asynccontextmanager

import h11
import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import ServiceUnavailableError, SubmitUncertainError
from genesys_dagster_tests.genesys.fakes import run, settings

PATH = "/api/v2/some/thing"
BODY = json.dumps({"records": [{"id": str(number)} for number in range(20_000)]}).encode()
ZIPPED = gzip.compress(BODY)


def answer(body, *, length=None, **headers):
    lines = [b"HTTP/1.1 200 OK", b"content-length: %d" % (len(body) if length is None else length)]
    lines += [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])


GOOD = answer(BODY)
GOOD_ZIPPED = answer(ZIPPED, content_encoding="gzip")
TOKEN = answer(b'{"access_token": "t", "expires_in": 3600}')


class Server:
    """Speaks just enough HTTP to misbehave: each API request gets the next thing in `plan`, the last one for ever.

    A thing is bytes (sent as they are), or a coroutine function of the writer. After anything but a whole answer the
    connection is closed.
    """

    def __init__(self, *plan):
        self.plan = list(plan)
        self.requests = 0
        self.connections = 0
        self.lost = asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                await reader.readexactly(length)
                if b"/oauth/token" in head:
                    writer.write(TOKEN)
                    continue
                self.requests += 1
                thing = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
                if callable(thing):
                    await thing(reader, writer)
                    break
                writer.write(thing)
                if thing not in {GOOD, GOOD_ZIPPED}:
                    await writer.drain()
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost.set()
        finally:
            writer.close()


@asynccontextmanager
async def connected(server, **options):
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        async with GenesysClient(settings(**{"api_url": url, "login_url": url, **options})) as client:
            yield client
    finally:
        listener.close()


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(b"", id="closed without an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="closed within the headers"),
        pytest.param(answer(BODY[:5000], length=len(BODY)), id="closed within the body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\n" + BODY[:1024] + b"\r\n",
            id="closed between chunks",
        ),
        pytest.param(answer(ZIPPED[:-9], content_encoding="gzip"), id="gzip cut off under a matching length"),
        pytest.param(answer(ZIPPED[:400] + b"!" + ZIPPED[401:], content_encoding="gzip"), id="gzip damaged"),
        pytest.param(answer(BODY[:5000]), id="JSON cut off under a matching length"),
        pytest.param(answer(b""), id="empty body"),
        pytest.param(b"SSH-2.0-not-http\r\n\r\n", id="not HTTP"),
    ],
)
@pytest.mark.parametrize("good", [GOOD, GOOD_ZIPPED], ids=["plain", "gzip"])
def test_broken_and_truncated_answers_are_asked_for_again(failure, good):
    async def scenario():
        server = Server(failure, failure, good)
        async with connected(server) as client:
            result = await client.get_json(PATH)
        assert server.requests == 3
        return result, client.stats

    result, stats = run(scenario())
    assert result == json.loads(BODY)
    assert (stats.requests, stats.retries) == (3, 2)


def test_a_submit_whose_connection_breaks_reaches_the_server_once():
    async def scenario():
        server = Server(b"")
        async with connected(server) as client:
            with pytest.raises(SubmitUncertainError):
                await client.request("POST", PATH, json={}, repeatable=False)
        return server.requests

    assert run(scenario()) == 1


async def silence(reader, writer):
    await reader.read()


async def trickle(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b" ")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("misbehaviour", [silence, trickle])
def test_a_server_that_never_finishes_is_given_up(misbehaviour):
    async def scenario():
        limits = {"request_timeout": 0.1, "connect_timeout": 0.1, "max_attempts": 2}
        async with connected(Server(misbehaviour), **limits) as client:
            with pytest.raises(ServiceUnavailableError, match="after 2 attempts"):
                await client.get_json(PATH)

    begun = time.monotonic()
    run(scenario())
    assert time.monotonic() - begun < 3


def test_cancelling_a_request_ends_it_at_once_and_closes_its_connection():
    async def scenario():
        arrived, closed = asyncio.Event(), asyncio.Event()

        async def hold(reader, writer):
            arrived.set()
            await reader.read()
            closed.set()

        async with connected(Server(hold)) as client:
            request = asyncio.create_task(client.get_json(PATH))
            await arrived.wait()
            begun = time.monotonic()
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            assert time.monotonic() - begun < 0.5
            await closed.wait()

    run(scenario(), patience=5)


def test_connections_are_reused():
    async def scenario():
        server = Server(GOOD_ZIPPED)
        async with connected(server, max_concurrency=2) as client:
            for _ in range(5):
                await asyncio.gather(client.get_json(PATH), client.get_json(PATH))
        assert server.requests == 10
        return server.connections

    assert run(scenario()) <= 3


def test_what_has_arrived_of_a_large_body_is_taken_at_once(monkeypatch):
    pieces = []
    receive = h11.Connection.receive_data
    monkeypatch.setattr(
        h11.Connection, "receive_data", lambda self, data: pieces.append(len(data)) or receive(self, data)
    )

    async def scenario():
        async with connected(Server(GOOD)) as client:
            await client.get_json(PATH)

    run(scenario())
    assert max(pieces) > 64 * 1024  # as much httpcore takes by itself


def test_a_connection_that_the_server_closed_while_idle_is_replaced():
    async def scenario():
        async def close_soon(reader, writer):
            writer.write(GOOD)
            await writer.drain()

        server = Server(close_soon)
        async with connected(server) as client:
            await client.get_json(PATH)
            await asyncio.sleep(0.05)
            await client.get_json(PATH)
        return server.requests

    assert run(scenario()) == 2


def test_an_unreachable_host_is_named_with_the_settings_to_check():
    async def scenario():
        listener = await asyncio.start_server(silence, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await listener.wait_closed()
        url = f"http://127.0.0.1:{port}"
        async with GenesysClient(settings(api_url=url, login_url=url, max_attempts=2)) as client:
            await client.get_json(PATH)

    with pytest.raises(
        ServiceUnavailableError, match=r"no connection to 127\.0\.0\.1.*after 2 attempts.*GENESYSCLOUD_REGION"
    ):
        run(scenario())
