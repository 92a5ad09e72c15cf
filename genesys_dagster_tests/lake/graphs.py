"""Tiny asset graphs."""

import io

import dagster as dg
import pyarrow.parquet as pq

DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")


def materialize(manager, value, *, partition=None, partitions_def=None, last=None, **asset_options):
    """Materializes asset `sales/calls` with a value (or what a function returns)."""
    ranged = {"backfill_policy": dg.BackfillPolicy.single_run()} if last else {}
    definition = partitions_def or (DAILY if partition else None)

    @dg.asset(
        key=["sales", "calls"], io_manager_key="lake", partitions_def=definition, **ranged, **asset_options
    )
    def calls():
        # Dagster takes a bare generator for a stream of its own events.
        return dg.Output(value() if callable(value) else value)

    tags = (
        {"dagster/asset_partition_range_start": partition, "dagster/asset_partition_range_end": last}
        if last
        else None
    )
    return dg.materialize(
        [calls],
        resources={"lake": manager},
        partition_key=None if last else partition,
        tags=tags,
        raise_on_error=False,
    )


def load(
    manager, annotation, *, metadata=None, partition=None, upstream=DAILY, downstream=None, mapping=None
):
    """Loads `sales/calls` into an input of the given annotation and returns the value."""
    loaded = []

    def body(calls):
        loaded.append(calls)

    if annotation is not None:
        body.__annotations__["calls"] = annotation
    ins = {"calls": dg.AssetIn(key=["sales", "calls"], metadata=metadata, partition_mapping=mapping)}
    reader = dg.asset(name="reader", ins=ins, io_manager_key="none", partitions_def=downstream)(body)
    spec = dg.AssetSpec(["sales", "calls"], partitions_def=upstream).with_io_manager_key("lake")
    result = dg.materialize(
        [spec, reader],
        resources={"lake": manager, "none": dg.mem_io_manager},
        partition_key=partition,
        raise_on_error=False,
    )
    if not result.success:
        raise RuntimeError(failure(result).message)
    return loaded[0]


class StepFailure:
    """What the UI shows of a failed step."""

    def __init__(self, data):
        self.error = data.error
        self.message = data.user_failure_data.description if data.user_failure_data else data.error.message


def failure(result):
    """Returns the failure of a run's only failed step."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return StepFailure(event.event_specific_data)


def metadata(result):
    """Returns the metadata of a run's only materialization, as plain values."""
    (event,) = [event for event in result.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def metadata_by_partition(result):
    """Returns the metadata of a run's materializations by partition."""
    events = [event for event in result.all_events if event.event_type_value == "ASSET_MATERIALIZATION"]
    return {
        event.partition: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in events
    }


def table(store, key):
    """Reads an object as a table."""
    return pq.read_table(io.BytesIO(store.read(key)), partitioning=None)
