"""Results of a run over several days, day by day: Dagster has one result for all partitions of a run.

Without them no day of such a run would have a result of its own, and what waits for its checks would not know them.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from genesys_dagster.dagster_private import report_evaluation
from genesys_dagster.memory.pulls import DETAILS, latest_materializations
from genesys_dagster.org.org import Org


def told_by_day(  # noqa: PLR0913 - what an evaluation says
    context: dg.AssetCheckExecutionContext,
    org: Org,
    result: dg.AssetCheckResult,
    name: str,
    *,
    asset: str = DETAILS,
    blocking: bool = False,
) -> dg.AssetCheckResult:
    """Reports what a result says of each of several days, as part of the run.

    Args:
        context: Of the check.
        org: Whose.
        result: As `to_result` makes it.
        name: Of the check.
        asset: What it looks at.
        blocking: Whether it is blocking.

    Returns:
        The result as it came.
    """
    said = result.metadata.get("partitions")
    if isinstance(said, dg.TableMetadataValue):
        days = [str(row.data["partition"]) for row in said.records]
        targets = latest_materializations(context.instance, org, days, asset)
        check = {"asset_key": org.key(asset), "check_name": name, "blocking": blocking}
        for day, row in zip(days, said.records, strict=True):
            report_evaluation(context, {**check, **_of_day(row.data)}, targets.get(day))
    return result


def _of_day(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "passed": row["passed"],
        "severity": dg.AssetCheckSeverity[row["severity"]],
        "description": row["finding"],
        "partition": row["partition"],
    }
