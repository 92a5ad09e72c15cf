"""What `S3ParquetIOManager` does for an input: the objects as the value that its annotation asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.lake.context import partition_keys, row_filter
from genesys_dagster.lake.loading import Request, listed, load_object, load_partitions
from genesys_dagster.lake.reading import selection

if TYPE_CHECKING:
    from genesys_dagster.lake.io_manager import S3ParquetIOManager


def load(lake: S3ParquetIOManager, context: dg.InputContext) -> Any:
    """Loads an input.

    Args:
        lake: Where it lies.
        context: Dagster's context of the input.

    Returns:
        The value.

    Raises:
        LakeError: It cannot be loaded.
    """
    metadata = context.definition_metadata
    request = Request(
        annotation=context.dagster_type.typing_type,
        wanted=selection(metadata.get("columns"), row_filter(metadata.get("filters"))),
        allow_missing=bool(metadata.get("allow_missing_partitions", False)),
        fetched=lake.fetched,
    )
    client, bucket = lake.client, lake.place().bucket
    if not context.has_asset_partitions:
        return load_object(client, bucket, lake.key_in(context, None), request)
    keys = {key: lake.key_in(context, key) for key in partition_keys(context)}
    loaded = load_partitions(client, bucket, keys, request)
    if loaded.missing and metadata.get("allow_missing_partitions") != "silently":
        context.log.warning("Left out, because they are absent: %s", listed(loaded.missing))
    return loaded.value
