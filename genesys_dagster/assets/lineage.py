"""Column lineage in the metadata of materializations, derived from the statements that make the columns.

Dagster+ draws it as a graph. The open-source UI does not show it (Dagster docs, "Column-level lineage"), so the same
stands beside it as a table.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import dagster as dg

from genesys_dagster.sql.origin import Found

KeyOf: TypeAlias = Callable[[str], dg.AssetKey]

METADATA_KEY = "dagster/column_lineage"
"""Where Dagster+ looks for it, in materializations and, for lack of it there, in definitions."""

TABLE_KEY = "columns_made_of"
"""The same to be read in any UI."""


def column_lineage(key_of: KeyOf, columns: Mapping[str, Found]) -> dg.TableColumnLineage:
    """Origins in Dagster's terms: upstream columns; members of structs count as their column."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=key_of(table), column_name=name)
                for table, name in sorted({(origin.table, origin.path[0]) for origin in made_of})
            ]
            for column, made_of in columns.items()
        }
    )


def lineage_metadata(
    key_of: KeyOf, columns: Mapping[str, Found], in_the_end: Mapping[str, Found] | None = None
) -> Mapping[str, dg.TableColumnLineage | dg.MetadataValue]:
    """What a materialization says of its columns' origins.

    Finding them takes tenths of a second the first time, so do it where an asset is materialized, not where it is
    defined.

    Args:
        key_of: The asset key of an upstream table.
        columns: Column to its origins in upstream assets (`sql.origins`).
        in_the_end: Column to its origins at the head of the graph, if those are others.
    """
    return {
        METADATA_KEY: column_lineage(key_of, columns),
        TABLE_KEY: dg.MetadataValue.md(_table(columns, in_the_end)),
    }


def _table(columns: Mapping[str, Found], in_the_end: Mapping[str, Found] | None) -> str:
    """A line per column, with what its values are made of in each upstream asset."""
    steps = {"made of": columns} if in_the_end is None else {"made of": columns, "in the end": in_the_end}
    lines = [f"| column | {' | '.join(steps)} |", "|---" * (1 + len(steps)) + "|"]
    lines += [
        f"| `{column}` | {' | '.join(_made_of(step[column]) for step in steps.values())} |"
        for column in columns
    ]
    return "\n".join(lines)


def _made_of(found: Found) -> str:
    by_asset: dict[str, dict[str, None]] = {}
    for origin in sorted(found):
        by_asset.setdefault(origin.table, {})[f"`{'.'.join(origin.path)}`"] = None
    return "; ".join(f"{asset}: {', '.join(paths)}" for asset, paths in by_asset.items()) or "constants"
