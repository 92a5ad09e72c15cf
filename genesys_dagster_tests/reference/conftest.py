"""Materializing reference data against the sandbox."""

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.default_org import REFERENCE, resources_of


class Snapshots:
    """Reference assets as a user's deployment materializes them; one Dagster instance for all runs."""

    def __init__(self, lake):
        self.instance = dg.DagsterInstance.ephemeral()
        self._lake = lake

    def materialize(self, *names, others=(), **settings):
        return dg.materialize(
            [*REFERENCE, *others],
            selection=[*map(dg.AssetKey, names), *(asset.key for asset in others)] if names else None,
            instance=self.instance,
            resources=resources_of(genesys=GenesysResource(**settings)),
            raise_on_error=False,
        )

    def table(self, name):
        body = self._lake.client.get_object(Bucket=self._lake.bucket, Key=f"genesys/{name}/data.parquet")[
            "Body"
        ]
        return pq.read_table(pa.BufferReader(body.read()))

    def metadata(self, name):
        event = self.instance.get_latest_materialization_event(dg.AssetKey(name))
        return {key: value.value for key, value in event.asset_materialization.metadata.items()}


@pytest.fixture
def snapshots(environment, lake):
    return Snapshots(lake)
