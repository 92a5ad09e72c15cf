"""A Genesys Cloud org on localhost and a lake for it, as pytest fixtures, for tests of what is built on top of ours.

`pytest_plugins = ["genesys_dagster.testing"]` in a `conftest.py` brings them; they need the extra `sandbox`. Nothing leaves
the machine: the org answers for every org that your definitions name, and its bucket is every lake of theirs.

Example:
    ```python
    def test_our_asset_counts_conversations(genesys_run, genesys_day):
        result = genesys_run(defs, '+key:"our_asset"', genesys_day)  # your definitions, as they are
        assert len(result.output_for_node("our_asset")) > 0
    ```
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from genesys_dagster.genesys.rate_limit import forget_budgets
from genesys_dagster.lake.door import LakeDoor
from genesys_dagster.lake.place import lake_place
from genesys_dagster.resources import GenesysResource
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
    with _genesys_server.untouched():
        yield _genesys_server


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
def genesys_sandbox(genesys_org: SandboxServer, genesys_lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever region, client and bucket definitions name: this org answers, and this bucket is written to.

    Prefixes stay as they are. It holds in the test's own process, so for what is executed in process.
    """
    connection = {
        "client_id": genesys_org.settings.client_id,
        "client_secret": genesys_org.settings.client_secret,
        "api_url": genesys_org.url,
        "login_url": genesys_org.url,
    }
    monkeypatch.setattr(GenesysResource, "_text", lambda _, field: connection.get(field, ""))
    monkeypatch.setattr(LakeDoor, "place", lambda door: lake_place(genesys_lake.name, door.prefix))


@pytest.fixture
def genesys_run(genesys_sandbox: None) -> Callable[..., dg.ExecuteInProcessResult]:  # noqa: ARG001
    """Materializes assets of any definitions.

    Call it with the definitions, a selection (of `dagster.AssetSelection`, or in its syntax: `+key:"ours"` is an asset and
    all that it is made of), a day if they have days, and arguments of `dagster.JobDefinition.execute_in_process`.
    """

    def run(
        defs: dg.Definitions, selection: dg.AssetSelection | str, day: date | None = None, **settings: Any
    ) -> dg.ExecuteInProcessResult:
        chosen = dg.AssetSelection.from_string(selection) if isinstance(selection, str) else selection
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=sorted(chosen.materializable().resolve(defs.resolve_asset_graph())),
            partition_key=str(day) if day else None,
            **settings,
        )

    return run
