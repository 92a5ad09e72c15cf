"""The code location: everything wired together. The only module that knows all rooms."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from genesys_dagster.assets.conversation_details import PARTITIONS, conversation_details
from genesys_dagster.assets.genesys_cloud import GENESYS_CLOUD
from genesys_dagster.assets.late_activity import late_activity
from genesys_dagster.assets.performance import PERFORMANCE
from genesys_dagster.assets.reference import REFERENCE
from genesys_dagster.assets.report import REPORT
from genesys_dagster.assets.tables import TABLES
from genesys_dagster.automation import definitions as automation
from genesys_dagster.checks import CHECKS
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.partitions import backfill_policy
from genesys_dagster.report.io_manager import S3PageIOManager
from genesys_dagster.resources import GenesysResource


def build_definitions(
    *,
    genesys: Any = None,
    s3: Any = None,
    s3_parquet_io_manager: Any = None,
    s3_page_io_manager: Any = None,
    resources: Mapping[str, Any] | None = None,
) -> dg.Definitions:
    """Assemble the code location.

    Args:
        genesys: Instead of `GenesysResource()`.
        s3: Instead of `S3Resource()`; the IO managers' client, too.
        s3_parquet_io_manager: Instead of `S3ParquetIOManager(s3=s3)`.
        s3_page_io_manager: Instead of `S3PageIOManager(s3=s3)`.
        resources: Further resources by key, for assets of your own.

    Returns:
        Definitions whose resources read the environment (README, "Configuration") unless replaced.

    Raises:
        dagster.DagsterInvalidDefinitionError: A variable cannot be read, or `resources` has what is an argument.
    """
    s3 = s3 or S3Resource()
    ours = {
        "genesys": genesys or GenesysResource(),
        "s3": s3,
        "s3_parquet_io_manager": s3_parquet_io_manager or S3ParquetIOManager(s3=s3),
        "s3_page_io_manager": s3_page_io_manager or S3PageIOManager(s3=s3),
    }
    if taken := ours.keys() & (resources or {}):
        raise dg.DagsterInvalidDefinitionError(
            f"build_definitions has {', '.join(sorted(taken))} as arguments: pass them as such, not in resources."
        )
    return dg.Definitions(
        assets=[
            GENESYS_CLOUD,
            *_with_backfill_policy([conversation_details, late_activity, *TABLES, *PERFORMANCE]),
            *REFERENCE,
            *REPORT,
        ],
        asset_checks=[*CHECKS, *automation.CHECKS],
        jobs=automation.JOBS,
        schedules=automation.SCHEDULES,
        sensors=automation.SENSORS,
        resources={**ours, **(resources or {})},
        # One step after the other in the run's own process: a process for each would only cost seconds.
        executor=dg.in_process_executor,
    )


def _with_backfill_policy(assets: list[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """What has a partition per day can write several in one run."""
    policy = backfill_policy()
    if policy is None:
        return assets
    return [
        asset.with_attributes(backfill_policy=policy) if asset.partitions_def == PARTITIONS else asset
        for asset in assets
    ]


defs = build_definitions()
