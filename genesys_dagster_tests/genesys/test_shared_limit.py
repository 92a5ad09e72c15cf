"""One rate limit for all processes: in simulated time, while the store is away, and its address."""

import asyncio
import sqlite3
from contextlib import nullcontext
from urllib.parse import urlsplit

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrate_limiter import Rate, SQLiteBucket

from genesys_dagster import GenesysCloud
from genesys_dagster.genesys import shared_limit as room
from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.rate_limit import Budget, RateLimiter
from genesys_dagster.genesys.rate_limit_stores import Buckets, check_store, described
from genesys_dagster.genesys.shared_limit import AWAY, SLACK, SharedLimit, shared_limit
from genesys_dagster.genesys.waits import WINDOW
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.genesys.fakes import FakeClock, run

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
