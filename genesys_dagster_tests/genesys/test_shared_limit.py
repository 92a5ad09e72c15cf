"""One rate limit for all processes: in each kind of store, in simulated time, and while the store is away."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, nullcontext
from urllib.parse import urlsplit

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrate_limiter import Rate, RateItem, SQLiteBucket

from genesys_dagster import GenesysCloud
from genesys_dagster.genesys import shared_limit as room
from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.rate_limit import Budget, RateLimiter
from genesys_dagster.genesys.rate_limit_stores import Buckets, check_store, described, open_store
from genesys_dagster.genesys.shared_limit import AWAY, SLACK, SharedLimit, shared_limit
from genesys_dagster.genesys.waits import WINDOW
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.genesys.fakes import FakeClock, run
from genesys_dagster_tests.production.processes import free_ports
from genesys_dagster_tests.production.stores import Postgres, Redis

LOGIN = "https://login.example.org"


class Simulated:
    """A store of the library whose time is ours."""

    def __init__(self):
        self.now, self.asked, self.broken = 1_000_000, 0, None
        self._file = sqlite3.connect(":memory:", check_same_thread=False)
        for table in ("requests", "pauses"):
            self._file.execute(f"CREATE TABLE {table} (name VARCHAR, item_timestamp INTEGER)")

    def connect(self):
        self.asked += 1
        if self.broken:
            raise self.broken
        store = self

        class Bucket(SQLiteBucket):
            def now(self):
                if store.broken:
                    raise store.broken
                return store.now

        requests, pauses = (Bucket([Rate(10**9, 1)], self._file, table) for table in ("requests", "pauses"))
        return Buckets(requests, pauses, nullcontext, lambda: None)

    def process(self):
        return SharedLimit(self.connect, "store", lambda: self.now / 1000)


# Simulated time.


@settings(deadline=None)
@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20_000), st.integers(0, 9)), max_size=60),
)
def test_no_minute_of_all_processes_together_holds_more_than_allowed_and_no_pause_any(per_minute, steps):
    store, granted, paused_until = Simulated(), [], 0
    processes = [store.process() for _ in range(3)]
    for who, passed, what in steps:
        store.now += passed
        if what == 0:
            processes[who].pause(passed / 1000)
            paused_until = max(paused_until, store.now + passed)
        elif processes[who].take(per_minute) == 0:
            granted.append(store.now)
            assert store.now >= paused_until
    assert all(
        late - early > WINDOW * 1000 for early, late in zip(granted, granted[per_minute:], strict=False)
    )


@settings(deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(0, 3000), min_size=1, max_size=40))
def test_after_the_wait_that_was_told_whoever_asks_first_gets_its_turn(per_minute, pauses):
    store = Simulated()
    one, other = store.process(), store.process()
    for passed in pauses:
        store.now += passed
        if missing := one.take(per_minute):
            assert 0 < missing <= WINDOW + SLACK + 0.001
            store.now += round(missing * 1000)
            assert other.take(per_minute) == 0


def test_a_minutes_worth_goes_out_at_once_and_slack_costs_less_than_two_percent():
    store = Simulated()
    process = store.process()
    assert [process.take(300) for _ in range(300)] == [0.0] * 300
    assert WINDOW < process.take(300) <= WINDOW / 0.98


def test_what_is_older_than_a_minute_is_forgotten():
    store = Simulated()
    process = store.process()
    for _ in range(400):
        store.now += 1000
        process.take(300)
    (kept,) = store._file.execute("SELECT count(*) FROM requests").fetchone()
    assert kept < 150


def test_a_store_whose_clock_was_set_back_does_not_stop_everything_for_as_long():
    store = Simulated()
    process = store.process()
    while process.take(5) == 0:
        pass
    store.now -= 3_600_000
    assert process.take(5) > 60
    assert process.take(5) == 0


# While it is away.


@pytest.mark.parametrize("error", [OSError("password=hunter2"), KeyError("x"), sqlite3.OperationalError("x")])
def test_a_store_that_is_away_costs_one_warning_and_is_used_again_when_it_answers(caplog, error):
    store = Simulated()
    store.broken = error
    process = store.process()
    assert [process.take(5) for _ in range(20)] == [None] * 20
    assert store.asked == 1  # it is not waited for with every request
    store.now += int(AWAY * 1000)
    assert process.take(5) is None
    store.broken = None
    assert process.take(5) is None
    store.now += int(AWAY * 1000)
    assert process.take(5) == 0
    lost, found = [record.getMessage() for record in caplog.records]
    assert lost.startswith(f"the store does not answer ({type(error).__name__}): ")
    assert found == "the store answers again: the rate limit is shared"
    assert "hunter2" not in caplog.text


def test_a_connection_that_broke_is_made_again_without_a_word(caplog):
    store = Simulated()
    process = store.process()
    process.take(5)
    store.broken = ConnectionResetError()

    def connect():
        store.broken = None
        return store.connect()

    process._connect = connect
    assert process.take(5) == 0
    assert caplog.records == []


def test_without_its_store_a_process_keeps_to_the_limit_by_itself_and_knows_what_it_sent_before():
    async def scenario():
        clock, store = FakeClock(), Simulated()
        limit = RateLimiter(10, clock, lambda seconds: None, Budget(), store.process())
        for _ in range(4):
            await limit.acquire()
        store.broken = OSError()
        for _ in range(6):
            await limit.acquire()
        assert clock.slept == []
        await limit.acquire()
        assert sum(clock.slept) == WINDOW

    run(scenario())


def test_a_429_of_one_process_holds_back_the_others():
    async def scenario():
        class Clock(FakeClock):
            sleeping = asyncio.Event()

            async def sleep(self, seconds):
                self.sleeping.set()
                await super().sleep(seconds)

        store, clock = Simulated(), Clock()
        one, other = (
            RateLimiter(300, FakeClock(), lambda seconds: None, Budget(), store.process()) for _ in "ab"
        )
        other._clock = clock
        await one.pause(25)
        waiting = asyncio.create_task(other.acquire())
        await clock.sleeping.wait()
        store.now += 25_000
        await waiting
        assert sum(clock.slept) == 25

    run(scenario())


# Each kind of store.


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
        self.allowed, self._window, self.times, self.tokens = allowed, window, [], set()
        self.refused = self._count = 0
        self._opened = float("-inf")

    def use(self, token, allowed, now):
        self.tokens.add(token)
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


@pytest.mark.servers
@pytest.mark.parametrize("url", ["redis", "postgresql"], indirect=True)
def test_three_processes_use_a_limit_up_and_are_never_refused(url):
    window, limit = 3.0, 20
    command = [sys.executable, "-m", "genesys_dagster_tests.genesys.asker", str(window), str(SLACK), "9"]
    with SandboxServer() as sandbox, ExitStack() as ending:
        counted = sandbox._state.limiter = PerClient(limit, window)
        environment = {**os.environ, **sandbox.env(), "GENESYS_RATE_LIMIT_STORE": url}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | {"text": True}
        processes = [
            ending.enter_context(subprocess.Popen(command, env=environment, **pipes)) for _ in range(3)
        ]
        for process in processes:
            ending.callback(process.kill)
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [process.communicate() for process in processes]
    assert [warnings for _, warnings in ended] == [""] * 3
    sent = [int(number) for number, _ in ended]
    assert counted.refused == 0
    assert len(counted.tokens) == 3
    assert min(sent) >= sum(sent) / 10
    # What a window loses to asking and waiting does not grow with the window: of a real minute, 90 % are used.
    filled = len(counted.times) // limit - 1
    lost = (counted.times[filled * limit] - counted.times[0]) / filled - window
    assert filled >= 2
    assert 60 / (60 + lost) >= 0.9


# The address.


@pytest.mark.parametrize(
    "url",
    ["hunter2", "redis://", "mysql://u:hunter2@h/d", "redis://u:hunter2@h:port/0", "sqlite:///hunter2.db",
     "memcached://hunter2", "postgresql://[u:hunter2@h/d", "http://hunter2"],
)  # fmt: skip
def test_an_address_of_no_store_is_one_sentence_that_names_the_variable_and_quotes_nothing(
    url, monkeypatch, tmp_path
):
    monkeypatch.setenv("GENESYS_RATE_LIMIT_STORE", url)
    with pytest.raises(ConfigurationError) as of_the_run:
        GenesysResource(client_id="i", client_secret="s").settings()
    with pytest.raises(dg.DagsterInvalidDefinitionError) as of_the_load:
        GenesysCloud.from_environment().check()
    for text in map(str, (of_the_run.value, of_the_load.value)):
        assert text == (
            "GENESYS_RATE_LIMIT_STORE is not the address of a store for the rate limit. Write it as redis://host:6379/0, "
            "postgresql://user@host/database or, for one machine, sqlite:////folder/file.sqlite."
        )


def test_a_package_that_is_missing_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr("genesys_dagster.genesys.rate_limit_stores.find_spec", lambda name: None)
    with pytest.raises(
        ConfigurationError, match=r"pyrate_limiter and redis is not .*genesys-dagster\[store\]"
    ):
        check_store("rediss://host/0", "THE_VARIABLE")


@pytest.mark.parametrize("scheme", ["redis", "rediss", "postgresql", "postgres"])
def test_a_store_is_named_without_its_user_and_password(scheme):
    url = f"{scheme}://me:hunter2@db.example.org:1234/0?password=hunter2"
    assert described(url) == f"{'redis' if 'redis' in scheme else 'postgresql'} at {urlsplit(url).hostname}"
    assert "hunter2" not in repr(GenesysResource(rate_limit_store=url))
    assert "hunter2" not in str(GenesysResource(rate_limit_store=url).model_dump())
    settings = GenesysResource(client_id="i", client_secret="s", rate_limit_store=url).settings()
    assert settings.rate_limit_store == url
    assert "hunter2" not in repr(settings)


def test_a_named_org_has_the_store_of_its_own_variable(monkeypatch):
    monkeypatch.setenv("GENESYS_RATE_LIMIT_STORE", "redis://default/0")
    monkeypatch.setenv("EMEA_STORE", "redis://emea/0")
    org = GenesysCloud(name="emea", client_id="i", client_secret=dg.EnvVar("EMEA_SECRET"), bucket="b",
                       rate_limit_store=dg.EnvVar("EMEA_STORE"))  # fmt: skip
    monkeypatch.setenv("EMEA_SECRET", "s")
    assert org.definitions().resources["emea_genesys"].settings().rate_limit_store == "redis://emea/0"
    without = GenesysCloud(name="emea", client_id="i", client_secret=dg.EnvVar("EMEA_SECRET"), bucket="b")
    assert without.definitions().resources["emea_genesys"].settings().rate_limit_store is None


def test_one_process_has_one_limit_of_a_client():
    assert shared_limit("redis://h/0", LOGIN, "a") is shared_limit("redis://h/0", LOGIN, "a")
    assert shared_limit("redis://h/0", LOGIN, "a") is not shared_limit("redis://h/0", LOGIN, "b")
    assert len(room._limits) >= 2
