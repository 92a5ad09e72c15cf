"""What is used of Dagster that is not public, all of it in this module, each with the reason.

`genesys_dagster_tests/test_dagster_private.py` calls each on the installed Dagster, and `make matrix` on the lowest and
the newest that the bounds of pyproject.toml allow.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import dagster as dg


def instance_settings(home: Path) -> Mapping[str, Any]:
    """What the dagster.yaml of a folder says, checked as Dagster does; empty without one.

    `DagsterInstance.from_config` makes files in the folder, or connects to its database.

    Raises:
        dagster.DagsterInvalidConfigError: It says something that Dagster does not know.
    """
    from dagster._core.instance.config import dagster_instance_config

    if not (home / "dagster.yaml").exists():
        return {}
    settings, _ = dagster_instance_config(str(home))
    return settings


def recall_values(instance: dg.DagsterInstance, keys: Iterable[str]) -> Mapping[str, str]:
    """What stands in the instance's key-value store; keys without a value are left out.

    The only place that outlives runs and can be read by all of them; cursors can be read by their sensor alone.
    """
    return instance.run_storage.get_cursor_values(set(keys))


def note_values(instance: dg.DagsterInstance, values: Mapping[str, str]) -> None:
    """Write values to the instance's key-value store."""
    instance.run_storage.set_cursor_values(values)


def add_partition_metadata(context: dg.OutputContext, metadata: Mapping[str, Any], partition: str) -> None:
    """Give one partition of a run over several its own metadata; `add_output_metadata` gives all the same."""
    context.step_context.add_asset_metadata(metadata, context.asset_key, partition)


def instance_of(context: dg.OutputContext) -> dg.DagsterInstance:
    """The instance, of which a public output context does not tell."""
    return context.step_context.instance


def set_data_version(context: dg.OutputContext, version: str) -> None:
    """Set the data version of what an IO manager wrote, unless the asset has; a public way is open to assets only."""
    try:
        step = context.step_context
    except dg.DagsterInvariantViolationError:
        return  # A context built by hand, as in a test.
    if not step.has_data_version(context.asset_key):
        step.set_data_version(context.asset_key, dg.DataVersion(version))


def failed_evaluations(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, limit: int, before: int | None = None
) -> list[Any]:
    """A page of a check's failed evaluations, the latest first: records with `id` and `evaluation`.

    `DagsterInstance.get_event_records` is deprecated, and ids of such events are no order across runs on SQLite.
    """
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

    status = {AssetCheckExecutionRecordStatus.FAILED}
    history = instance.event_log_storage.get_asset_check_execution_history
    return list(history(check, limit=limit, cursor=before, status=status))


def checked_places(
    instance: dg.DagsterInstance, checks: Iterable[dg.AssetCheckKey], partitions: Iterable[str]
) -> Mapping[str, list[int]]:
    """For each partition, up to which materialization (storage id) each of the checks that ran was evaluated.

    The public instance knows the latest evaluation of a check, not of its partitions.
    """
    found: dict[str, list[int]] = {}
    storage = instance.event_log_storage
    for info in storage.get_asset_check_partition_info(list(checks), partition_keys=list(partitions)):
        if info.partition_key is not None:
            found.setdefault(info.partition_key, []).append(
                info.latest_target_materialization_storage_id or 0
            )
    return found


def report_evaluation(
    context: dg.AssetCheckExecutionContext,
    evaluation: Mapping[str, Any],
    target: dg.EventLogRecord | None,
) -> None:
    """Report the evaluation of a check for one partition, as part of the run.

    Dagster has one result for all partitions of a run; and an event without a run would not do: the database holds one
    result per check, partition and run.

    Args:
        context: Of the check.
        evaluation: Arguments of `dagster.AssetCheckEvaluation`.
        target: The materialization that was looked at.
    """
    from dagster._core.definitions.asset_checks import asset_check_evaluation as checks

    pointer = target and checks.AssetCheckEvaluationTargetMaterializationData(
        storage_id=target.storage_id, run_id=target.run_id, timestamp=target.timestamp
    )
    run = context.run
    event = dg.DagsterEvent(
        dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
        run.job_name,
        event_specific_data=dg.AssetCheckEvaluation(target_materialization_data=pointer, **evaluation),
    )
    context.instance.report_dagster_event(event, run_id=run.run_id)


class LookingSelection(dg.AssetSelection):
    """A selection that looks at all assets of the code location when it is resolved, which is when that is loaded.

    Dagster offers no other place from which a part of a code location could see the whole.

    Args:
        selection: What is selected.
        look: Called with the metadata of each asset.
    """

    def __init__(
        self, selection: dg.AssetSelection, look: Callable[[Iterable[Mapping[str, Any]]], None]
    ) -> None:
        self._selection, self._look = selection, look

    def resolve_inner(self, asset_graph: Any, allow_missing: bool) -> AbstractSet[dg.AssetKey]:
        """As of Dagster."""
        self._look(asset_graph.get(key).metadata for key in asset_graph.get_all_asset_keys())
        return self._selection.resolve_inner(asset_graph, allow_missing)

    def resolve_checks_inner(self, asset_graph: Any, allow_missing: bool) -> AbstractSet[dg.AssetCheckKey]:
        """As of Dagster."""
        return self._selection.resolve_checks_inner(asset_graph, allow_missing)

    def to_serializable_asset_selection(self, asset_graph: Any) -> dg.AssetSelection:
        """As of Dagster."""
        return self._selection.to_serializable_asset_selection(asset_graph)


def looking_back(days: int) -> dg.TimeWindowPartitionMapping:
    """Map each day to itself and the days before it, which need not be partitions.

    The parameter that says so is in beta; to say that in every process helps nobody who runs this.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(start_offset=-days, allow_nonexistent_upstream_partitions=True)
