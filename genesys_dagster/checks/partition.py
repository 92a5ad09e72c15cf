"""How a check of a daily asset becomes an asset check of each partition."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import dagster as dg

from genesys_dagster.checks.by_day import told_by_day
from genesys_dagster.memory.pulls import DETAILS
from genesys_dagster.org.org import Org


def partition_check(
    org: Org, name: str, description: str, *, asset: str = DETAILS, **settings: Any
) -> Callable[[Callable[..., dg.AssetCheckResult]], dg.AssetChecksDefinition]:
    """`dagster.asset_check` for every partition of an asset, with a result for each of several."""

    def decorate(check: Callable[..., dg.AssetCheckResult]) -> dg.AssetChecksDefinition:
        @wraps(check)
        def function(context: dg.AssetCheckExecutionContext, **inputs: Any) -> dg.AssetCheckResult:
            return told_by_day(context, org, check(context, **inputs), name, asset=asset)

        with _quiet():
            return dg.asset_check(
                asset=org.key(asset),
                name=name,
                description=description,
                partitions_def=org.days.partitions,
                **settings,
            )(function)

    return decorate


def partition_spec(
    org: Org, name: str, description: str, *, asset: str = DETAILS, blocking: bool = False
) -> dg.AssetCheckSpec:
    """`dagster.AssetCheckSpec` for every partition of an asset."""
    with _quiet():
        return dg.AssetCheckSpec(
            name,
            asset=org.key(asset),
            description=description,
            blocking=blocking,
            partitions_def=org.days.partitions,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Checks of partitions are a preview in Dagster 1.13; to say so in every process helps nobody who runs this."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield
