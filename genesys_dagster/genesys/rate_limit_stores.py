"""Where processes can keep one rate limit together: what an address means, and the library's buckets behind it.

Entries are counted by pyrate-limiter (extra `store`). What it lacks between machines is added here: one clock for all, the
store's; waits with an end; and nothing that outlives a broken connection.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from genesys_dagster.genesys.errors import ConfigurationError

PATIENCE = 5.0
"""Seconds for which a store may keep a request waiting."""

_FORM = (
    "Write it as redis://host:6379/0, postgresql://user@host/database or, for one machine, "
    "sqlite:////folder/file.sqlite"
)
_ANY_NUMBER = 10**9
_POLL = 0.01  # s between two looks whether a file is free


class Buckets(NamedTuple):
    """What is kept of one OAuth client, in buckets of pyrate-limiter.

    Attributes:
        requests: One entry per request that was let out.
        pauses: One entry per pause, at its end.
        alone: While it is entered, no other process changes either.
        close: Gives the connection back.
    """

    requests: Any
    pauses: Any
    alone: Callable[[], AbstractContextManager[Any]]
    close: Callable[[], object]


def check_store(url: str, name: str) -> None:
    """Look whether an address means a store, without asking it.

    Args:
        url: The address.
        name: What it is called where it is set.

    Raises:
        ConfigurationError: It does not, or a package is missing; the address is not quoted, it may hold a password.
    """
    try:
        parts = urlsplit(url)
        is_complete = bool(parts.path.startswith("//") if _kind(url) == "sqlite" else parts.hostname)
        _ = parts.port
    except ValueError:
        is_complete = False
    if not is_complete or _kind(url) not in _OPENERS:
        raise ConfigurationError(
            f"{name} is not the address of a store for the rate limit", remedy=f"{_FORM}."
        )
    needed = {"redis": "redis", "postgresql": "psycopg", "sqlite": "filelock"}[_kind(url)]
    if missing := [package for package in ("pyrate_limiter", needed) if find_spec(package) is None]:
        raise ConfigurationError(
            f"{name} is set, and the package {' and '.join(missing)} is not installed",
            remedy="Install it with `pip install 'genesys-dagster[store]'`.",
        )


def described(url: str) -> str:
    """Which store an address means, without user, password and parameters."""
    parts = urlsplit(url)
    return f"{_kind(url)} at {parts.path[1:] if _kind(url) == 'sqlite' else parts.hostname}"


def open_store(url: str, client: str) -> Buckets:
    """Connect, and make what the store lacks.

    Args:
        url: The address, checked.
        client: What tells OAuth clients apart: letters, digits and underscores.

    Raises:
        Exception: Whatever the store's own library raises.
    """
    return _OPENERS[_kind(url)](url, f"genesys_{client}", f"genesys_{client}_pauses")


def _kind(url: str) -> str:
    scheme = urlsplit(url).scheme
    return {"rediss": "redis", "postgres": "postgresql"}.get(scheme, scheme)


def _rates() -> list[Any]:
    """Of pauses, any number; of requests, replaced with each question."""
    from pyrate_limiter import Rate

    return [Rate(_ANY_NUMBER, 1)]


def _redis(url: str, requests: str, pauses: str) -> Buckets:
    from pyrate_limiter import RedisBucket
    from pyrate_limiter.buckets.redis_bucket import LuaScript
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The library counts up to the asking machine's present and so leaves out what another one has put in since.
    script = LuaScript.PUT_ITEM.replace("window_start, now)", "window_start, '+inf')")

    class Bucket(RedisBucket):  # type: ignore[misc, unused-ignore]
        def now(self) -> int:
            asked: Any = self.redis.time()
            seconds, microseconds = asked
            return int(seconds) * 1000 + int(microseconds) // 1000

    server = Redis.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 1)
    )
    loaded = str(server.script_load(script))
    return Buckets(
        Bucket(_rates(), server, requests, loaded),
        Bucket(_rates(), server, pauses, loaded),
        nullcontext,  # what needs it is one script
        server.close,
    )


def _postgres(url: str, requests: str, pauses: str) -> Buckets:
    from pyrate_limiter import PostgresBucket

    class Bucket(PostgresBucket):  # type: ignore[misc, unused-ignore]
        def now(self) -> int:
            with self.pool.connection() as connection:
                (row,) = connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
            return int(row[0])

    pool: Any = _OneConnection(url)
    try:
        return Buckets(
            Bucket(pool, requests, _rates()), Bucket(pool, pauses, _rates()), pool.connection, pool.close
        )
    except BaseException:
        pool.close()
        raise


class _OneConnection:
    """What a bucket asks of a pool: one connection is enough for one process, and threads of a pool would outlive it."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._is_entered = False

        self._connection = psycopg.connect(
            url,
            connect_timeout=int(PATIENCE),
            tcp_user_timeout=int(PATIENCE * 1000),
            application_name="genesys-dagster",
            # The library's columns have no time zone; what is lost in a crash is a minute old at most.
            options=f"-c timezone=UTC -c synchronous_commit=off -c statement_timeout={int(PATIENCE * 1000)}",
        )

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """One transaction, however often it is entered."""
        if self._is_entered:
            yield self._connection
            return
        self._is_entered = True
        try:
            with self._connection.transaction():
                # In line, one after another: the library's own lock turns away whoever comes second.
                self._connection.execute("SELECT pg_advisory_xact_lock(7463298)")
                yield self._connection
        finally:
            self._is_entered = False

    def close(self) -> None:
        self._connection.close()


def _file(url: str, requests: str, pauses: str) -> Buckets:
    from filelock import FileLock
    from pyrate_limiter import SQLiteBucket

    path = unquote(urlsplit(url).path)[1:]
    # Between processes the library counts and writes in two transactions: the lock makes them one.
    lock = FileLock(f"{path}.lock", timeout=PATIENCE, poll_interval=_POLL)
    with lock:
        file = sqlite3.connect(path, timeout=PATIENCE, isolation_level="DEFERRED", check_same_thread=False)
        # What is lost in a crash is a minute old at most.
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        for table in (requests, pauses):
            file.execute(f"CREATE TABLE IF NOT EXISTS {table} (name VARCHAR, item_timestamp INTEGER)")
            file.execute(f"CREATE INDEX IF NOT EXISTS {table}_time ON {table} (item_timestamp)")
        file.commit()
    ours, theirs = (SQLiteBucket(_rates(), file, table, lock) for table in (requests, pauses))
    return Buckets(ours, theirs, lambda: lock, file.close)


_OPENERS: dict[str, Callable[[str, str, str], Buckets]] = {
    "redis": _redis,
    "postgresql": _postgres,
    "sqlite": _file,
}
