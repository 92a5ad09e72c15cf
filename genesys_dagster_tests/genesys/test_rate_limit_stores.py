"""One rate limit for all processes, in each kind of store, and by processes that use it up."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from pyrate_limiter import RateItem

from genesys_dagster.genesys.rate_limit_stores import open_store
from genesys_dagster.genesys.shared_limit import AWAY, SLACK, SharedLimit, shared_limit
from genesys_dagster.genesys.waits import WINDOW
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.production.processes import free_ports, wait_until
from genesys_dagster_tests.production.stores import Postgres, Redis

LOGIN = "https://login.example.org"


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Addresses by kind."""
    folder = tmp_path_factory.mktemp("stores")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # Postgres is another user
    ports = free_ports(2)
    # A server has what time zone it likes; sessions must not depend on it.
    postgres = Postgres(folder / "postgres", ports[0], "timezone=America/New_York")
    with Redis(folder / "redis", ports[1], "a-password") as redis, postgres:
        yield {"redis": redis.url, "postgresql": postgres.url}


KINDS = [
    "sqlite",
    pytest.param("redis", marks=pytest.mark.servers),
    pytest.param("postgresql", marks=pytest.mark.servers),
]


@pytest.fixture
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/limit.sqlite"
    return request.getfixturevalue("servers")[request.param]


@pytest.fixture
def client(request):
    """An OAuth client that no other test has."""
    return "c" + "".join(filter(str.isalnum, request.node.name))[-20:].lower()


in_each_store = pytest.mark.parametrize("url", KINDS, indirect=True)


@in_each_store
def test_connections_of_a_store_share_a_limit_and_other_clients_have_their_own(url, client):
    limits = [SharedLimit(lambda: open_store(url, client), "store") for _ in range(3)]
    other = SharedLimit(lambda: open_store(url, f"{client}_2"), "store")
    told = []

    def ask(limit):
        told.extend(limit.take(20) for _ in range(10))

    threads = [threading.Thread(target=ask, args=(limit,)) for limit in limits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count(0.0) == 20
    assert all(0 < seconds <= WINDOW + SLACK for seconds in told if seconds)
    assert other.take(20) == 0


@in_each_store
def test_the_longest_pause_holds_back_every_connection(url, client):
    one, other = (SharedLimit(lambda: open_store(url, client), "store") for _ in range(2))
    one.pause(0.0)
    assert other.take(5) == 0
    one.pause(500)
    other.pause(30)
    assert 400 < other.take(5) <= 500


@in_each_store
def test_what_another_machine_has_just_let_out_counts_whatever_time_it_thinks_it_is(url, client):
    buckets = open_store(url, client)
    buckets.requests.put(RateItem("request", buckets.requests.now() + 1500))
    limit = SharedLimit(lambda: buckets, "store")
    assert limit.take(1) > 0
    buckets.close()


@pytest.mark.servers
def test_no_store_knows_a_client_by_its_id(servers):
    import psycopg
    import redis

    for url in servers.values():
        assert shared_limit(url, LOGIN, "an-id-of-a-client").take(5) == 0
    names = [key.decode() for key in redis.Redis.from_url(servers["redis"]).scan_iter()]
    with psycopg.connect(servers["postgresql"]) as connection:
        names += [row[0] for row in connection.execute("SELECT tablename FROM pg_tables")]
    assert [name for name in names if "genesys_" in name]
    assert not [name for name in names if "an-id" in name]


@pytest.mark.servers
def test_a_redis_that_is_away_and_comes_back_is_survived(tmp_path, client, caplog):
    with Redis(tmp_path / "redis", *free_ports(1), "a-password") as server:
        now = time.monotonic()
        limit = SharedLimit(lambda: open_store(server.url, client), "store", lambda: now)
        assert limit.take(5) == 0
        server.stop()
        assert limit.take(5) is None
        server.start()
        now += AWAY
        assert limit.take(5) == 0
        server.stop()
        server.start()  # which nobody notices but that scripts are forgotten
        assert limit.take(5) == 0
    assert [record.getMessage()[:27] for record in caplog.records] == [
        "the store does not answer (",
        "the store answers again: th",
    ]


class PerClient:
    """The sandbox's limit as whoever counts by OAuth client has it: in fixed windows, and saying nothing in advance."""

    def __init__(self, allowed, window):
        self.allowed, self._window, self.times, self.sent = allowed, window, [], Counter()
        self.refused = self._count = 0
        self._opened = float("-inf")

    def use(self, token, allowed, now):
        self.sent[token] += 1
        self.times.append(time.monotonic())
        if self.times[-1] - self._opened >= self._window:
            self._opened, self._count = self.times[-1], 0
        self._count += 1
        self.refused += self._count > self.allowed
        return Usage(self._count > self.allowed, self.allowed)


class Usage:
    reset = 1

    def __init__(self, exceeded, allowed):
        self.exceeded, self.allowed = exceeded, allowed

    def headers(self):
        return {}


class Asked:
    """Three processes that use the limit of one store up, and the sandbox that counts what they send.

    Args:
        url: Address of the store.
        ending: Where what is started here ends.
    """

    WINDOW, LIMIT, ROUNDS = 3.0, 20, 2

    def __init__(self, url, ending):
        sandbox = ending.enter_context(SandboxServer())
        self.counted = sandbox._state.limiter = PerClient(self.LIMIT, self.WINDOW)
        command = [sys.executable, "-m", "genesys_dagster_tests.genesys.asker", str(self.WINDOW), str(SLACK)]
        environment = {**os.environ, **sandbox.env(), "GENESYS_RATE_LIMIT_STORE": url}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | {"text": True}
        self.processes = []
        for _ in range(3):
            process = ending.enter_context(subprocess.Popen(command, env=environment, **pipes))
            ending.callback(process.kill)
            self.processes.append(process)

    def start(self):
        assert [process.stdout.readline() for process in self.processes] == ["ready\n"] * 3
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()

    def is_over(self):
        """Enough windows are full, or a process has died, which says why."""
        died = any(process.poll() is not None for process in self.processes)
        return died or len(self.counted.times) > self.ROUNDS * self.LIMIT

    def stop(self):
        for process in self.processes:
            process.kill()
        self.warnings = [process.communicate()[1] for process in self.processes]


@pytest.fixture(scope="module")
def asked(servers):
    """By kind of store; all at once, as most of it is waiting."""
    with ExitStack() as ending:
        asked = {kind: Asked(url, ending) for kind, url in servers.items()}
        for each in asked.values():
            each.start()
        wait_until(lambda: all(each.is_over() for each in asked.values()), "limits are used up")
        for each in asked.values():
            each.stop()
        yield asked


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_three_processes_use_a_limit_up_and_are_never_refused(asked, kind):
    each, counted = asked[kind], asked[kind].counted
    assert each.warnings == [""] * 3
    assert counted.refused == 0
    assert len(counted.sent) == 3
    assert min(counted.sent.values()) >= len(counted.times) / 10
    # What a window loses to asking and waiting does not grow with the window: of a real minute, 90 % are used.
    lost = (counted.times[each.ROUNDS * each.LIMIT] - counted.times[0]) / each.ROUNDS - each.WINDOW
    assert 60 / (60 + lost) >= 0.9
