"""Results of a run over several days, day by day: Dagster has one result for all partitions of a run.

Without them no day of such a run would have a result of its own, and what waits for its checks would not know them.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from genesys_dagster.dagster_private import report_evaluation
from genesys_dagster.memory.pulls import DETAILS, latest_materializations
from genesys_dagster.org.org import Org


def told_by_day(
    context: dg.AssetCheckExecutionContext,
    org: Org,
    result: dg.AssetCheckResult,
    name: str,
    *,
    blocking: bool = False,
) -> dg.AssetCheckResult:
    """Reports what a result says of each of several days, as part of the run.

    Args:
        context: Of the check.
        org: Whose.
        result: As `to_result` makes it.
        name: Of the check.
        blocking: Whether it is blocking.

    Returns:
        The result as it came.
    """
    said = result.metadata.get("partitions")
    if isinstance(said, dg.TableMetadataValue):
        targets = latest_materializations(
            context.instance, org, [str(row.data["partition"]) for row in said.records]
        )
        for row in said.records:
            _report(context, org, row.data, name, targets.get(str(row.data["partition"])), blocking=blocking)
    return result


def _report(  # noqa: PLR0913 - what an evaluation says
    context: dg.AssetCheckExecutionContext,
    org: Org,
    row: Mapping[str, Any],
    name: str,
    target: dg.EventLogRecord | None,
    *,
    blocking: bool,
) -> None:
    evaluation = {
        "asset_key": org.key(DETAILS),
        "check_name": name,
        "passed": row["passed"],
        "severity": dg.AssetCheckSeverity[row["severity"]],
        "description": row["finding"],
        "blocking": blocking,
        "partition": row["partition"],
    }
    report_evaluation(context, evaluation, target)
