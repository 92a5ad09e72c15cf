"""The code location: everything wired together. The only module that knows all rooms."""

from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.resources import GenesysResource


def build_definitions(**resources: Any) -> dg.Definitions:
    """Assemble the code location.

    Args:
        **resources: replacements of `genesys`, `s3` or `s3_parquet_io_manager`, or further resources.

    Returns:
        Definitions whose resources read the environment (README, "Configuration") unless replaced.
    """
    s3 = resources.get("s3") or S3Resource()
    defaults = {
        "genesys": GenesysResource(),
        "s3": s3,
        "s3_parquet_io_manager": S3ParquetIOManager(s3=s3),
    }
    return dg.Definitions(
        assets=[conversation_details],
        resources=defaults | resources,
        # One step per run, concurrent inside: a process of its own for the step would only cost seconds.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
