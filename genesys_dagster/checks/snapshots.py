"""Reference snapshots for checks: read if there is one, without making it a condition of the run.

An input of the check would do the same but fail the run of a day as long as the snapshot was never materialized.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import dagster as dg

from genesys_dagster.lazy import pa
from genesys_dagster.org.org import Org


def snapshot(
    context: dg.AssetCheckExecutionContext, org: Org, asset: str, columns: Sequence[str]
) -> pa.Table | None:
    """Return the latest snapshot of a reference asset.

    Args:
        context: Of a check that requires the org's lake.
        org: Whose.
        asset: Name of the asset.
        columns: Which columns.

    Returns:
        The rows; None if it was never materialized; none if it cannot be read, or is empty because the permission is
        missing.
    """
    key = org.key(asset)
    if context.instance.get_latest_materialization_event(key) is None:
        return None
    manager: Any = getattr(context.resources, org.lake)
    request = dg.build_input_context(
        asset_key=key,
        dagster_type=dg.PythonObjectDagsterType(pa.Table),
        definition_metadata={"columns": list(columns)},
    )
    try:
        table: pa.Table = manager.load_input(request)
    except dg.Failure as failure:  # the day itself is there: no reason to fail its run
        context.log.warning("%s cannot be read: %s", asset, failure.description)
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    return table


def known_ids(context: dg.AssetCheckExecutionContext, org: Org, asset: str) -> Collection[str] | None:
    """Return the ids in the latest snapshot of a reference asset, as `snapshot`."""
    found = snapshot(context, org, asset, ["id"])
    return None if found is None else frozenset(found["id"].to_pylist())


def known(context: dg.AssetCheckExecutionContext, org: Org) -> Callable[[str], Collection[str] | None]:
    """Return a function that gives `known_ids` of an asset and reads each only once."""
    return cache(lambda asset: known_ids(context, org, asset))
