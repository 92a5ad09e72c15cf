"""What a run over several partitions has written when it fails half way: told to Dagster, since it is there to be seen."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from genesys_dagster.dagster_private import instance_of
from genesys_dagster.lake.publish import Written

_DATA_VERSION = "dagster/data_version"


@contextmanager
def recorded_if_it_fails(
    context: dg.OutputContext, written: Mapping[str, tuple[Written, Mapping[str, Any]]]
) -> Iterator[None]:
    """Record the partitions that were committed before a step failed.

    Dagster records materializations when an output is whole; of a step that fails it knows none.

    Args:
        context: The output's context.
        written: What was written so far, with its metadata, by partition key.
    """
    try:
        yield
    except BaseException:
        for partition, (each, metadata) in written.items():
            instance_of(context).report_runless_asset_event(
                dg.AssetMaterialization(
                    context.asset_key,
                    partition=partition,
                    metadata=dict(metadata),
                    tags={_DATA_VERSION: each.object.sha256},
                )
            )
            context.log.info("%s was written before the failure, and is recorded.", partition)
        raise
