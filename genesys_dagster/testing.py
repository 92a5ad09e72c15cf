"""A Genesys Cloud org on localhost and a lake for it, as pytest fixtures, for tests of what is built on top of ours.

`pytest_plugins = ["genesys_dagster.testing"]` in a `conftest.py` brings them; they need the extra `sandbox`. Nothing leaves
the machine.

Example:
    ```python
    def test_our_asset_counts_conversations(genesys_cloud, genesys_day):
        defs = dg.Definitions.merge(genesys_cloud("emea").definitions(), dg.Definitions(assets=[ours]))
        job = defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(partition_key=str(genesys_day)).success
    ```
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.genesys.rate_limit import forget_budgets
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer

_NOW = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
_OURS = ("AWS_", "GENESYS")
_A_DAY = 200  # conversations


@pytest.fixture(scope="session")
def genesys_day() -> date:
    """A Tuesday that the data lake of the org holds in full; the org's clock stands two days later."""
    return date(2026, 5, 12)


@pytest.fixture(scope="session")
def _genesys_server() -> Iterator[SandboxServer]:
    with SandboxServer(Org(conversations_per_day=_A_DAY, now=lambda: _NOW)) as server:
        yield server


@pytest.fixture(scope="session")
def _genesys_s3() -> Iterator[S3Server]:
    with S3Server("genesys-testing") as server:
        yield server


@pytest.fixture
def genesys_org(_genesys_server: SandboxServer) -> Iterator[SandboxServer]:
    """The org: its records are the same every time. Limits, faults and the clock may be changed for a test."""
    forget_budgets()
    before = dict(vars(_genesys_server.settings))
    _genesys_server.reset()
    yield _genesys_server
    _genesys_server.reset()
    for name, value in before.items():
        setattr(_genesys_server.settings, name, value)


@pytest.fixture
def genesys_lake(_genesys_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket, as a boto3 `Bucket`; the AWS variables lead every SDK to it."""
    import boto3

    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    for name, value in _genesys_s3.env().items():
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3", endpoint_url=_genesys_s3.url).Bucket(_genesys_s3.bucket)
    bucket.objects.delete()
    yield bucket
    bucket.objects.delete()


@pytest.fixture
def genesys_cloud(
    genesys_org: SandboxServer, genesys_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., GenesysCloud]:
    """Makes a `GenesysCloud` of the org and the bucket; takes its name and other fields."""
    for name, value in genesys_org.env().items():
        monkeypatch.setenv(name, value)

    def make(name: str = "", **fields: Any) -> GenesysCloud:
        ours = {
            "client_id": dg.EnvVar("GENESYSCLOUD_OAUTHCLIENT_ID"),
            "client_secret": dg.EnvVar("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
            "api_url": genesys_org.url,
            "login_url": genesys_org.url,
            "bucket": genesys_lake.name,
        }
        return GenesysCloud(**{"name": name, **ours, **fields})

    return make
