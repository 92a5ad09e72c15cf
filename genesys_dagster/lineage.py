"""Column lineage for the Dagster UI, derived from the statements that make the columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from genesys_dagster.sql.origins import Origins

METADATA_KEY = "dagster/column_lineage"
"""Where Dagster's UI looks for it, in materializations and, for lack of it there, in definitions."""


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
        `metadata={METADATA_KEY: column_lineage(statement, SCHEMA.names, {"sessions": SESSIONS.names})}`
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
