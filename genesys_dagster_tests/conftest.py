"""The org and the S3 server against which whole exports are tested."""

import functools
import gc
import os
import socket
from datetime import UTC, date, datetime

import boto3
import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.genesys.rate_limit import forget_budgets
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.times import DAY as DAY_LENGTH
from genesys_dagster_tests import once_per_process
from genesys_dagster_tests.default_org import ORG, resources_of
from genesys_dagster_tests.moto_bucket import MotoBucket
from genesys_dagster_tests.production.processes import free_ports

# Until all is imported and collected, nothing is garbage.
gc.disable()
once_per_process.install()

OURS = ("AWS_", "GENESYS", "DAGSTER_")
# For CI's time; a test that needs more says so. How slow the first example is tells of the machine's other work.
settings.register_profile(
    "fewer",
    max_examples=int(os.environ.get("GENESYS_TEST_EXAMPLES", "50")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fewer")

NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
DAY = date(2026, 5, 12)
"""A Tuesday whose end the data lake's watermark has passed."""


def pytest_collection_modifyitems(items):
    """The longest tests first: at the end one of them would keep all workers but one waiting."""
    items.sort(key=lambda item: "/reliability/" not in item.nodeid)


def pytest_collection_finish():
    """What is there by now stays: to look through it again and again took a tenth of all tests' time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure():
    """At the end libraries look whether anything of theirs is left."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _own_minute():
    """Each test is a process of its own to the rate limit, which all connections of a process share."""
    forget_budgets()


@pytest.fixture(scope="session")
def _servers():
    org = Org(conversations_per_day=400, now=lambda: NOW)
    org.long_rows = _LongRows(org)
    with SandboxServer(org) as sandbox, S3Server() as s3:
        client = boto3.Session().client(
            "s3",
            endpoint_url=s3.url,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            region_name="us-east-1",
        )
        yield sandbox, Lake(client, s3.bucket, s3.env())


class _LongRows:
    """Sweeps look for what began up to months ago: those of many tests for the same. Made once for each day."""

    def __init__(self, org):
        self._begun = functools.cache(lambda day, days: [*Org.long_rows(org, day, days)])

    def __call__(self, day, days):
        return [row for row in self._begun(day, min(days, 2)) if row.end >= (day + days) * DAY_LENGTH]


@pytest.fixture
def sandbox(_servers):
    """A Genesys Cloud org without faults; faults and settings may be changed for the test."""
    server, _ = _servers
    with server.untouched():
        yield server


@pytest.fixture
def lake(_servers):
    """An empty bucket, and what tests ask about it."""
    _, lake = _servers
    lake.clear()
    return lake


class Lake:
    """The bucket, asked directly."""

    def __init__(self, client, bucket, variables):
        self.client, self.bucket, self.variables = client, bucket, variables
        self._objects = MotoBucket(bucket)

    def keys(self):
        return self._objects.keys()

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def key(self, day=DAY):
        return f"genesys/conversation_details/date={day}/data.parquet"

    def bytes(self, day=DAY):
        return self._objects.read(self.key(day))

    def table(self, day=DAY):
        return pq.read_table(pa.BufferReader(self.bytes(day)))

    def table_of(self, asset, day):
        key = self.key(day).replace("conversation_details", asset)
        return pq.read_table(pa.BufferReader(self._objects.read(key)))

    def put(self, day=DAY, body=b"the version before"):
        self._objects.put(self.key(day), body)

    def objects(self):
        """All of it, by key."""
        return {key: self._objects.read(key) for key in self.keys()}

    def put_all(self, objects):
        for key, body in objects.items():
            self._objects.put(key, body)

    def clear(self):
        self._objects.clear()


def copy_events(source, target):
    """Let an instance in memory know what another one does, its runs and events, and nothing besides."""
    for storage in ("run_storage", "event_log_storage"):
        ours, theirs = (getattr(instance, storage) for instance in (source, target))
        ours._held_conn.connection.dbapi_connection.backup(theirs._held_conn.connection.dbapi_connection)
    target.event_log_storage._storage_id = source.event_log_storage._storage_id


@pytest.fixture
def environment(monkeypatch, sandbox, lake, tmp_path):
    """The variables a user sets, and none besides."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)  # a failed step is run again at once
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name, value in (sandbox.env() | lake.variables | {"GENESYS_S3_BUCKET": lake.bucket}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def export(environment, sandbox):
    """Materializes `conversation_details` as a user's deployment does; returns the run's outcome."""
    return lambda *days, org=ORG, **settings: Outcome(_materialize(org, days or (DAY,), settings))


def _materialize(org, days, settings):
    tags = {
        "dagster/asset_partition_range_start": str(days[0]),
        "dagster/asset_partition_range_end": str(days[-1]),
    }
    return dg.materialize(
        [conversation_details(org)],
        partition_key=str(days[0]) if len(days) == 1 else None,
        tags=tags if len(days) > 1 else None,
        resources=resources_of(org, genesys=GenesysResource(**settings)),
        raise_on_error=False,
    )


def submitted_before_the_first_page(sandbox):
    """How many bulk jobs were submitted before the first page of results was asked for, and how many in all."""
    said = [(each.method, each.path.rpartition("/")[2]) for each in sandbox.requests]
    before = said[: said.index(("GET", "results"))]
    return before.count(("POST", "jobs")), said.count(("POST", "jobs"))


class Outcome:
    """What a run did, as a user sees it."""

    def __init__(self, result):
        self.result, self.success = result, result.success

    @property
    def materializations(self):
        return [event.materialization for event in self.result.get_asset_materialization_events()]

    @property
    def metadata(self):
        (only,) = self.materializations
        return {name: value.value for name, value in only.metadata.items()}

    @property
    def data_version(self):
        (only,) = self.materializations
        return only.tags["dagster/data_version"]

    @property
    def failure(self):
        """The one message of the failed step."""
        (event,) = self.result.filter_events(lambda event: event.is_step_failure)
        return event.step_failure_data.user_failure_data.description

    @property
    def was_retried(self):
        return bool(self.result.filter_events(lambda event: event.is_step_up_for_retry))


@pytest.fixture
def taken_port():
    """A port on which something listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free_port():
    """A port on which nothing listens."""
    (port,) = free_ports(1)
    return port
