"""This project's tables, figures and report, as a user runs them: assets materialized by Dagster from the day in the lake."""

import gc

import dagster as dg

from benchmarks.contenders.ours import definitions
from benchmarks.contenders.task import exporting, read_task
from benchmarks.data import DAY


def main() -> None:
    task = read_task()
    job = definitions(task).resolve_implicit_global_asset_job_def()
    gc.freeze()  # as `genesys_dagster.definitions` does
    selection = [dg.AssetKey(name) for name in task.tables]
    with dg.DagsterInstance.ephemeral() as instance, exporting() as said:
        done = job.execute_in_process(
            # The report is of no day.
            partition_key=None if "contact_center_report" in task.tables else DAY.isoformat(),
            instance=instance,
            asset_selection=selection,
        )
        said["rows"] = sum(
            int(event.materialization.metadata["dagster/partition_row_count"].value)  # type: ignore[arg-type]
            for event in done.get_asset_materialization_events()
            if "dagster/partition_row_count" in event.materialization.metadata
        )


if __name__ == "__main__":
    main()
