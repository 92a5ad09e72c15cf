"""Where the columns of a statement come from.

One derivation serves two readers: column lineage (`genesys_dagster.assets.lineage`) and the choice of what to read (`narrow`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot.optimizer.scope import build_scope

from genesys_dagster.sql.origin import Found, Origin, OriginError, union
from genesys_dagster.sql.resolver import Resolver


@dataclass(frozen=True)
class Origins:
    """The origins of a statement.

    Attributes:
        columns: Result column to the values that it is made of.
        rows: The values that decide which rows there are.
    """

    columns: Mapping[str, Found]
    rows: Found

    def all(self) -> Found:
        """Everything that the statement reads."""
        return self.rows.union(*self.columns.values())


def origins(statement: str, columns: Sequence[str], upstream: Mapping[str, Iterable[str]]) -> Origins:
    """Finds the origins of a statement's columns.

    Args:
        statement: One SELECT statement in DuckDB's dialect.
        columns: The result columns to explain.
        upstream: Table to the names of its columns, for each table that the statement reads.

    Raises:
        OriginError: The statement is not one SELECT, or a name in it is not known.
    """
    try:
        root = build_scope(sqlglot.parse_one(statement, dialect="duckdb"))
    except sqlglot.ParseError as error:
        raise OriginError(f"The statement cannot be read: {error}") from error
    if root is None:
        raise OriginError("The statement is not one SELECT.")
    resolver = Resolver(upstream)
    return Origins(
        columns={name: resolver.column(root, name) for name in columns},
        rows=union(resolver.rows(scope) for scope in root.traverse()),
    )


def traced(columns: Mapping[str, Found], upstream: Mapping[str, Mapping[str, Found]]) -> Mapping[str, Found]:
    """Follows columns over several statements: an origin in a table of which the origins are known is replaced by these.

    Args:
        columns: Column to its origins.
        upstream: Table to the origins of its columns, themselves traced.
    """

    def further(origin: Origin) -> Found:
        table = upstream.get(origin.table)
        return frozenset({origin}) if table is None else table[origin.path[0]]

    return {column: union(map(further, found)) for column, found in columns.items()}
