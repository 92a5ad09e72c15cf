"""How a check of `conversation_details` becomes an asset check of each partition."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.checks.by_day import told_by_day

ASSET = dg.AssetKey("conversation_details")


def partition_check(
    name: str, description: str, **settings: Any
) -> Callable[[Callable[..., dg.AssetCheckResult]], dg.AssetChecksDefinition]:
    """`dagster.asset_check` for every partition of `conversation_details`, with a result for each of several."""

    def decorate(check: Callable[..., dg.AssetCheckResult]) -> dg.AssetChecksDefinition:
        @wraps(check)
        def function(context: dg.AssetCheckExecutionContext, **inputs: Any) -> dg.AssetCheckResult:
            return told_by_day(context, check(context, **inputs), name)

        with _quiet():
            return dg.asset_check(
                asset=ASSET, name=name, description=description, partitions_def=PARTITIONS, **settings
            )(function)

    return decorate


def partition_spec(name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    """`dagster.AssetCheckSpec` for every partition of `conversation_details`."""
    with _quiet():
        return dg.AssetCheckSpec(
            name, asset=ASSET, description=description, blocking=blocking, partitions_def=PARTITIONS
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Checks of partitions are a preview in Dagster 1.13; to say so in every process helps nobody who runs this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield
