"""Days of the sandbox org, exported and unnested as a user's deployment does it."""

import os
from types import SimpleNamespace

import boto3
import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.conftest import DAY, NOW, OURS, Outcome
from genesys_dagster_tests.default_org import TABLES, conversation_details, resources_of


@pytest.fixture
def materialize(environment):
    """Materializes `conversation_details` and the tables of some days in one run, or a selection of them."""
    return run


def run(*days, selection=None, source="job"):
    days = [str(day) for day in days] or [str(DAY)]
    tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]}
    return Outcome(
        dg.materialize(
            [conversation_details, *TABLES],
            selection=selection,
            partition_key=days[0] if len(days) == 1 else None,
            tags=tags if len(days) > 1 else None,
            resources=resources_of(genesys=GenesysResource(source=source)),
            raise_on_error=False,
        )
    )


def reader(client, bucket):
    def read(name, day=DAY):
        body = client.get_object(Bucket=bucket, Key=f"genesys/{name}/date={day}/data.parquet")["Body"].read()
        return pq.read_table(pa.BufferReader(body))

    return read


@pytest.fixture
def stored(lake):
    """Reads an asset's object of a day straight from the bucket."""
    return reader(lake.client, lake.bucket)


@pytest.fixture(scope="session")
def exported():
    """A day of the org in a lake of its own, with all tables: made once, only read by tests."""
    org = Org(conversations_per_day=400, now=lambda: NOW)
    with (
        SandboxServer(org) as sandbox,
        S3Server("tables-lake") as s3,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        variables = sandbox.env() | s3.env() | {"GENESYS_S3_BUCKET": s3.bucket}
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        client = boto3.Session(region_name="us-east-1").client("s3", endpoint_url=s3.url)
        outcome = run()
        monkeypatch.undo()
        assert outcome.success
        yield SimpleNamespace(outcome=outcome, stored=reader(client, s3.bucket), variables=variables)
