"""Results of a run over several days, day by day: Dagster has one result for all partitions of a run.

Without them no day of such a run would have a result of its own, and what waits for its checks would not know them.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from genesys_dagster.memory.pulls import ASSET_KEY, latest_materializations


def told_by_day(
    context: dg.AssetCheckExecutionContext, result: dg.AssetCheckResult, name: str, *, blocking: bool = False
) -> dg.AssetCheckResult:
    """Reports what a result says of each of several days, as part of the run.

    Args:
        context: Of the check.
        result: As `to_result` makes it.
        name: Of the check.
        blocking: Whether it is blocking.

    Returns:
        The result as it came.
    """
    said = result.metadata.get("partitions")
    if isinstance(said, dg.TableMetadataValue):
        targets = latest_materializations(
            context.instance, [str(row.data["partition"]) for row in said.records]
        )
        for row in said.records:
            _report(context, row.data, name, targets.get(str(row.data["partition"])), blocking=blocking)
    return result


def _report(
    context: dg.AssetCheckExecutionContext,
    row: Mapping[str, Any],
    name: str,
    target: dg.EventLogRecord | None,
    *,
    blocking: bool,
) -> None:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=ASSET_KEY,
        check_name=name,
        passed=row["passed"],
        severity=dg.AssetCheckSeverity[row["severity"]],
        description=row["finding"],
        target_materialization_data=_pointer(target),
        blocking=blocking,
        partition=row["partition"],
    )
    run = context.run
    # Not without its run: the database holds one result per check, partition and run.
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, run.job_name, event_specific_data=evaluation
    )
    context.instance.report_dagster_event(event, run_id=run.run_id)


def _pointer(record: dg.EventLogRecord | None) -> Any:
    from dagster._core.definitions.asset_checks import asset_check_evaluation as dagster_checks

    if record is None:
        return None
    return dagster_checks.AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )
