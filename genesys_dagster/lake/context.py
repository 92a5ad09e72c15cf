"""What the lake asks of Dagster's contexts: which asset, which partitions, where they lie, which rows."""

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.lake.errors import ReadError

if TYPE_CHECKING:
    from genesys_dagster.lake.partitions import Locate

_DAY = "%Y-%m-%d"


def asset_path(context: dg.OutputContext | dg.InputContext) -> Sequence[str]:
    """Returns the folders of an asset: its key, or run, step and output name if it is no asset."""
    if context.has_asset_key:
        return context.asset_key.path
    return context.get_identifier()


def partition_keys(context: dg.OutputContext | dg.InputContext) -> Sequence[str]:
    """Returns the partition keys of an output or input, in the order of the partitions definition."""
    keys = list(context.asset_partition_keys)
    definition = context.asset_partitions_def
    if isinstance(definition, dg.StaticPartitionsDefinition):
        # A subset of several ranges is a set: without this its order would change from run to run.
        position = {key: index for index, key in enumerate(definition.get_partition_keys())}
        return sorted(keys, key=position.__getitem__)
    return sorted(keys) if not isinstance(definition, dg.TimeWindowPartitionsDefinition) else keys


def partition_columns(definition: dg.PartitionsDefinition, key: str) -> Mapping[str, str]:
    """Returns the Hive columns of a partition.

    Args:
        definition: The asset's partitions definition.
        key: The partition key.

    Returns:
        `{"date": key}` for days (and weeks, months: whatever is written as a date), one column per
        dimension for multi-partitions, `{"partition": key}` otherwise.
    """
    if isinstance(definition, dg.MultiPartitionsDefinition):
        dimensions = definition.get_partition_key_from_str(key).keys_by_dimension
        return {part.name: dimensions[part.name] for part in definition.partitions_defs}
    if isinstance(definition, dg.TimeWindowPartitionsDefinition) and definition.fmt == _DAY:
        return {"date": key}
    return {"partition": key}


def locator(definition: dg.PartitionsDefinition, keys: Sequence[str]) -> "Locate":
    """Returns the function that finds each row's partition from a column.

    Args:
        definition: The asset's partitions definition.
        keys: The partition keys of the run.
    """
    from genesys_dagster.lake import locate

    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        windows = [definition.time_window_for_partition_key(key) for key in keys]
        spans = [(window.start, window.end) for window in windows]
        return lambda column: locate.by_time(column, spans, definition.timezone)
    return lambda column: locate.by_value(column, keys)


def row_filter(filters: Any) -> Any:
    """Returns the row filter that an input's metadata hold.

    Dagster records an input's metadata as JSON after loading it, so a pyarrow expression cannot stand
    there itself: a reference to a function that makes it can.

    Args:
        filters: A list, a reference to a function, or None.

    Returns:
        The list, or the function's expression.

    Raises:
        ReadError: Dagster could not record it.
    """
    if isinstance(filters, dg.PythonArtifactMetadataValue):
        return getattr(importlib.import_module(filters.module), filters.name)()
    try:
        json.dumps(filters)
    except TypeError as error:
        raise ReadError(
            f"`filters` in the input's metadata must be JSON ({error}): write times as ISO 8601 text and sets as lists, "
            "and give a pyarrow Expression as dg.MetadataValue.python_artifact(function that returns it)."
        ) from error
    return filters
