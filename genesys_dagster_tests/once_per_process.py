"""What libraries make anew for each client and each instance though it is always the same: here it is made once.

Before, that was half of what a test took that exports a day. Only what follows from its arguments alone belongs here.
Processes that tests start do without.
"""

import atexit
import contextlib
import functools
import inspect
import os
import sqlite3
import tempfile
from typing import NamedTuple

import alembic.script
import botocore.hooks
import botocore.loaders
import botocore.regions
import botocore.session
import dagster._config.pythonic_config.config as dagster_config
import dagster._config.pythonic_config.resource as dagster_resource
import dagster._core.storage.event_log.in_memory as dagster_events
import dagster._core.storage.runs.in_memory as dagster_runs
import httpx._transports.default as httpx
import moto.backends
import moto.moto_server.threaded_moto_server as moto_server
import sqlalchemy.event
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from sqlalchemy.pool import QueuePool

from genesys_dagster.sql import engine
from genesys_dagster.sql.engine import Limits
from genesys_dagster_tests.moto_connections import KeptConnection

_INSERT_EVENT = SqlEventLogStorageTable.insert()


def install():
    # To stamp an instance's database, alembic runs the files of all of Dagster's migrations.
    directory = alembic.script.ScriptDirectory
    directory.from_config = _kept(
        directory.from_config, lambda config: config.get_main_option("script_location")
    )
    # An instance in memory makes its tables one by one.
    _Copied(dagster_runs, "RunStorageSqlMetadata")
    _Copied(dagster_events, "SqlEventLogStorageMetadata")
    # ... and has an engine, with a cache of compiled statements, of its own.
    for module in (dagster_runs, dagster_events):
        module.create_engine = _Compiled(module.create_engine)
    # ... and opens its database, and sets that up, for each statement anew.
    dagster_runs.InMemoryRunStorage.connect = lambda storage: storage._engine.begin()
    dagster_events.InMemoryEventLogStorage._connect = _one_at_a_time
    # ... and makes a statement for each event.
    dagster_events.InMemoryEventLogStorage.prepare_insert_event = lambda storage, event: _Inserted(
        storage._event_to_row(event)
    )
    # ... and looks whether its tables are of this version.
    runs, events = dagster_runs.InMemoryRunStorage, dagster_events.InMemoryEventLogStorage
    for storage, name in (
        (runs, "has_run_stats_index_cols"),
        (runs, "has_backfill_id_column"),
        (events, "_has_asset_key_col_on_connection"),
    ):
        setattr(storage, name, _kept(getattr(storage, name), lambda _, *args: args[1:]))
    # A database of DuckDB registers all of its functions.
    engine._connected = _Connected(engine._connected)
    # A resource infers the schema of its settings from its class, each time that it is made.
    dagster_resource.infer_schema_from_config_class = _kept(
        dagster_resource.infer_schema_from_config_class,
        lambda cls, fields_to_omit=(), **others: None if others else (cls, *sorted(fields_to_omit)),
    )
    # ... and checks its settings against it.
    dagster_resource._curry_config_schema = _kept(
        dagster_resource._curry_config_schema, lambda schema, settings: (schema, repr(settings))
    )
    # ... and wraps the fields of its class, again and again.
    for module in (dagster_config, dagster_resource):
        module.model_fields = _kept(
            module.model_fields, lambda cls: cls if getattr(cls, "__pydantic_complete__", False) else None
        )
    # A session reads its megabytes of descriptions of AWS, and looks at all of its handlers' arguments.
    botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
    botocore.hooks.accepts_kwargs = _kept(botocore.hooks.accepts_kwargs, _function)
    # ... and a client builds the rules of its endpoints out of them, which its loader has read once.
    botocore.regions.EndpointProvider = _kept(
        botocore.regions.EndpointProvider, lambda *, ruleset_data, partition_data, **_: id(ruleset_data)
    )
    alias = functools.cache(botocore.hooks.EventAliaser(None)._alias_event_name)
    botocore.hooks.EventAliaser._alias_event_name = lambda _, name: alias(name)
    # For each request moto looks for its services on disk, one request at a time.
    moto.backends.list_of_moto_modules = functools.cache(
        lambda found=moto.backends.list_of_moto_modules: [*found()]
    )
    # For each request moto's server takes a connection, and a thread.
    moto_server.MotoRequestHandler = KeptConnection
    # A client reads all certificates, though the servers of tests speak plain HTTP.
    httpx.create_ssl_context = _kept(httpx.create_ssl_context, _certificates)


def _kept(make, key):
    """Makes for each key once; for the key None each time."""
    known = {}

    @functools.wraps(make)
    def kept(*args, **kwargs):
        at = key(*args, **kwargs)
        if at is None:
            return make(*args, **kwargs)
        if at not in known:
            known[at] = make(*args, **kwargs)
        return known[at]

    return kept


class _Copied:
    """A storage's empty database: the first is made and stamped, those after it are copies of that one."""

    def __init__(self, module, metadata):
        self._create, self._stamp = getattr(module, metadata).create_all, module.stamp_alembic_rev
        self._first = None
        setattr(module, metadata, self)
        module.stamp_alembic_rev = self.stamp

    def create_all(self, connection):
        if self._first:
            self._first.backup(connection.connection.dbapi_connection)
        else:
            self._create(connection)

    def stamp(self, config, connection):
        if not self._first:
            self._stamp(config, connection)
            made = connection.connection.dbapi_connection
            first = sqlite3.connect(":memory:", check_same_thread=False)
            made.commit()
            made.backup(first)
            self._first = first


class _Compiled:
    """Engines that keep their connections, and know the statements which the first of them has compiled."""

    def __init__(self, create):
        self._create, self._first = create, None

    def __call__(self, url, **_):
        engine = self._create(url, poolclass=QueuePool, connect_args={"check_same_thread": False})
        sqlalchemy.event.listen(engine, "connect", _with_foreign_keys)
        self._first = self._first or engine
        engine.dialect, engine._compiled_cache = self._first.dialect, self._first._compiled_cache
        return engine


class _Inserted(NamedTuple):
    """A row of the events, for one statement."""

    row: dict

    def _execute_on_connection(self, connection, *_):
        return connection.execute(_INSERT_EVENT, self.row)


def _with_foreign_keys(connection, _):
    connection.execute("PRAGMA foreign_keys=ON")


@contextlib.contextmanager
def _one_at_a_time(storage):
    with storage._db_lock, storage._engine.begin() as connection:
        yield connection


class _Connected:
    """Connections to one database, where a statement has the usual limits: each sees its own tables alone."""

    def __init__(self, connected):
        self._connected, self._ending, self._database = connected, contextlib.ExitStack(), None
        atexit.register(self._ending.close)

    @contextlib.contextmanager
    def __call__(self, limits, folder):
        if limits == Limits():
            con = self._first().cursor()
            con.execute("SET TimeZone = 'UTC'")
            with con:
                yield con
        else:
            with self._connected(limits, folder) as con:
                yield con

    def _first(self):
        if not self._database:
            folder = self._ending.enter_context(tempfile.TemporaryDirectory())
            self._database = self._ending.enter_context(self._connected(Limits(), folder))
        return self._database


def _function(it):
    it = getattr(it, "__func__", it)  # of a method, whose client would never be let go
    return it if inspect.isfunction(it) else None


def _certificates(verify=True, cert=None, trust_env=True):
    where = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return (trust_env, *where) if verify is True and not cert else None
