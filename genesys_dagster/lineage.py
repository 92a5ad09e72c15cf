"""Column lineage in the metadata of materializations, derived from the statements that make the columns.

Dagster+ draws it as a graph. The open-source UI does not show it (Dagster docs, "Column-level lineage"), so the same
stands beside it as a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from genesys_dagster.sql.origins import Origins

METADATA_KEY = "dagster/column_lineage"
"""Where Dagster+ looks for it, in materializations and, for lack of it there, in definitions."""

TABLE_KEY = "columns_made_of"
"""The same to be read in any UI."""


def column_lineage(
    statement: str, columns: Sequence[str], upstream: Mapping[str, Iterable[str]]
) -> dg.TableColumnLineage:
    """Derives the lineage of an asset's columns.

    Takes tenths of a second the first time, so compute it where an asset is materialized, not where it is defined.

    Args:
        statement: The SELECT statement that makes the asset, in DuckDB's dialect.
        columns: The asset's columns.
        upstream: Table in the statement, which is also the upstream asset's key, to the names of its columns.

    Returns:
        Each column with the upstream columns that its values are made of; none for constants and `count(*)`.

    Raises:
        OriginError: The statement and the columns do not fit together.

    Example:
        `metadata=lineage_metadata(column_lineage(statement, SCHEMA.names, {"sessions": SESSIONS.names}))`
    """
    # sqlglot takes a third of a second to import, and not every process that loads the definitions needs it.
    from genesys_dagster.sql.origins import origins

    return lineage_of(origins(statement, columns, upstream))


def lineage_of(found: "Origins") -> dg.TableColumnLineage:
    """As `column_lineage`, of origins that are already known; members of structs count as their column."""
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey([table]), column_name=name)
                for table, name in sorted({(origin.table, origin.path[0]) for origin in made_of})
            ]
            for column, made_of in found.columns.items()
        }
    )


def lineage_metadata(
    lineage: dg.TableColumnLineage,
) -> Mapping[str, dg.TableColumnLineage | dg.MetadataValue]:
    """What a materialization says of its columns' origins."""
    return {METADATA_KEY: lineage, TABLE_KEY: dg.MetadataValue.md(_table(lineage))}


def _table(lineage: dg.TableColumnLineage) -> str:
    """A line per column, with the columns of each upstream asset that its values are made of."""
    lines = [f"| `{column}` | {_made_of(deps)} |" for column, deps in lineage.deps_by_column.items()]
    return "\n".join(("| column | made of |", "|---|---|", *lines))


def _made_of(deps: Sequence[dg.TableColumnDep]) -> str:
    by_asset: dict[str, list[str]] = {}
    for dep in deps:
        by_asset.setdefault(dep.asset_key.to_user_string(), []).append(f"`{dep.column_name}`")
    return "; ".join(f"{asset}: {', '.join(columns)}" for asset, columns in by_asset.items()) or "constants"
