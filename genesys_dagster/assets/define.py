"""How an asset is made: by its spec, which the user may have translated."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from genesys_dagster.assets.columns_tab import table_schema
from genesys_dagster.assets.conditions import Condition
from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE
from genesys_dagster.org.org import Org
from genesys_dagster.records.field import Columns
from genesys_dagster.sql import code_version

_KIND = "dagster/kind/"


def asset(
    org: Org, spec: dg.AssetSpec, **settings: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dagster.asset` for a spec.

    Args:
        org: Whose asset it is.
        spec: What `Org.spec` made.
        **settings: What is no part of a spec, as of `dagster.asset`.
    """
    settings = {"io_manager_key": org.lake, "retry_policy": RETRY_AFTER_OUTAGE, **settings}
    decorate: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
        key=spec.key,
        deps=list(spec.deps),
        description=spec.description,
        metadata=spec.metadata,
        group_name=spec.group_name,
        owners=list(spec.owners),
        tags={name: value for name, value in spec.tags.items() if not name.startswith(_KIND)},
        kinds=spec.kinds,
        code_version=spec.code_version,
        automation_condition=spec.automation_condition,
        freshness_policy=spec.freshness_policy,
        **settings,
    )
    return decorate


def daily(
    org: Org, spec: dg.AssetSpec, **settings: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The same for an asset with a partition per day, of which one run may write several."""
    return asset(
        org, spec, partitions_def=org.days.partitions, backfill_policy=org.backfill_policy, **settings
    )


def made_by(
    org: Org, name: str, description: str, columns: Columns, condition: Condition, *statements: str
) -> dg.AssetSpec:
    """The spec of an asset that statements make.

    Args:
        org: Whose asset it is.
        name: In the catalog.
        description: For people.
        columns: Its columns.
        condition: When it is computed by itself.
        *statements: What its content depends on besides its upstream.
    """
    return org.spec(
        name,
        description=description,
        metadata={"dagster/column_schema": table_schema(columns)},
        code_version=code_version(*statements),
        automation_condition=condition,
    )
