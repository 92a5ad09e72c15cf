"""The IO manager as it is wired in definitions, the AWS chain it leaves alone, and what it imports."""

import subprocess
import sys

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
from dagster_aws.s3 import S3Resource

from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.lake.conftest import KEYS
from genesys_dagster_tests.lake.graphs import load, materialize

TABLE = pa.table({"n": [1, 2]})


def test_endpoint_and_credentials_of_the_environment_are_used_for_writing_and_reading(
    endpoint, bucket, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["aws_secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("GENESYS_S3_BUCKET", bucket)
    manager = S3ParquetIOManager(s3=S3Resource())
    assert materialize(manager, TABLE).success
    assert load(manager, pa.Table, upstream=None).equals(TABLE)
    assert load(manager, pl.LazyFrame, upstream=None).collect().to_dicts() == TABLE.to_pylist()


def test_the_resource_is_shared_through_the_definitions(s3, bucket, monkeypatch):
    monkeypatch.setenv("LAKE_BUCKET", bucket)

    @dg.asset(io_manager_key="s3_parquet_io_manager")
    def numbers():
        return TABLE

    @dg.asset(io_manager_key="s3_parquet_io_manager")
    def doubled(numbers: pd.DataFrame) -> pd.DataFrame:
        return numbers * 2

    defs = dg.Definitions(
        assets=[numbers, doubled],
        resources={
            "s3": s3,
            "s3_parquet_io_manager": S3ParquetIOManager(s3=s3, bucket=dg.EnvVar("LAKE_BUCKET")),
        },
    )
    dg.Definitions.validate_loadable(defs)
    result = defs.resolve_implicit_global_asset_job_def().execute_in_process()
    assert result.asset_value("doubled")["n"].to_list() == [2, 4]


def test_the_resource_can_be_configured_at_launch(endpoint, bucket):
    @dg.asset(io_manager_key="lake")
    def numbers():
        return TABLE

    config = {"s3": {"config": {"endpoint_url": endpoint, **KEYS}}, "lake": {"config": {"bucket": bucket}}}
    s3 = S3Resource.configure_at_launch()
    result = dg.materialize(
        [numbers],
        resources={"s3": s3, "lake": S3ParquetIOManager.configure_at_launch(s3=s3)},
        run_config={"resources": config},
    )
    assert result.success


def test_every_setting_has_a_description_for_the_launchpad():
    fields = S3ParquetIOManager.model_fields
    assert [name for name, field in fields.items() if not field.description] == []


def test_an_op_output_is_loaded_by_the_next_op(manager):
    seen = []

    @dg.op(out=dg.Out(io_manager_key="lake"))
    def rows_():
        return TABLE

    @dg.op(ins={"value": dg.In(pa.Table)})
    def take(value):
        seen.append(value)

    @dg.job(resource_defs={"lake": manager})
    def job():
        take(rows_())

    job.execute_in_process()
    assert seen[0].equals(TABLE)


def test_the_room_without_its_door_needs_no_dagster():
    code = (
        "import sys, genesys_dagster.lake.publish, genesys_dagster.lake.loading, genesys_dagster.lake.partitions; "
        "sys.exit(any(name.partition('.')[0].startswith('dagster') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
