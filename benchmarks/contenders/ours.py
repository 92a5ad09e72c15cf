"""This project, as a user runs it: the asset materialized by Dagster, through the resource and the IO manager."""

import gc

import dagster as dg
from dagster_aws.s3 import S3Resource

from benchmarks.client import UNLIMITED
from benchmarks.contenders.task import S3_LOGIN, Result, Task, read_task, write_result
from benchmarks.data import DAY
from benchmarks.timing import Cost, measured, peak_memory
from genesys_dagster import environment
from genesys_dagster.definitions import build_definitions
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.resources import GenesysResource

_exports: list[tuple[Cost, int]] = []


class MeasuredIOManager(S3ParquetIOManager):
    """Measures what happens between the first request and the commit: the output is made while it is written."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        idle = peak_memory()
        with measured() as cost:
            super().handle_output(context, obj)
        _exports.append((cost, idle))


def definitions(task: Task) -> dg.Definitions:
    environment.prefer("ARROW_DEFAULT_MEMORY_POOL", "system")  # as `genesys_dagster.definitions` does
    s3 = S3Resource(endpoint_url=task.s3_url, **S3_LOGIN)
    genesys = GenesysResource(
        client_id="benchmark",
        client_secret="benchmark",
        api_url=task.api_url,
        login_url=task.api_url,
        source=task.source,  # type: ignore[arg-type]
        requests_per_minute=UNLIMITED,
        job_slices=1,  # the server has one job, that of the whole day
    )
    lake = MeasuredIOManager(s3=s3, bucket=task.bucket, prefix="benchmarks")
    return build_definitions(genesys=genesys, s3=s3, s3_parquet_io_manager=lake)


def main() -> None:
    job = definitions(read_task()).resolve_implicit_global_asset_job_def()
    gc.freeze()  # as `genesys_dagster.definitions` does
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(
            partition_key=DAY.isoformat(),
            instance=instance,
            asset_selection=[dg.AssetKey("conversation_details")],
        )
    (materialization,) = done.asset_materializations_for_node("conversation_details")
    [(cost, idle)] = _exports
    rows = int(materialization.metadata["dagster/partition_row_count"].value)  # type: ignore[arg-type]
    write_result(Result(export=cost, peak_bytes=peak_memory(), idle_bytes=idle, rows=rows))


if __name__ == "__main__":
    main()
