"""What a statement unfolds, told apart from what it computes.

The statement of a flat table names values, unfolds lists (`unnest`), counts their items and leaves out those that are
null; a column that is anything else is computed. It is read from the statement, which stays the only definition.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

import sqlglot
from sqlglot import exp

from genesys_dagster.sql.origin import OriginError


@dataclass(frozen=True)
class Member:
    """A value in a row of a level: rows of level 0 are those upstream, each list that is unfolded makes the next level."""

    level: int
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Position:
    """Where a row of a level stands in its list."""

    level: int


@dataclass(frozen=True)
class Count:
    """How many items a list has."""

    of: Member


Value: TypeAlias = Member | Position | Count


@dataclass(frozen=True)
class Plan:
    """What a statement unfolds.

    Attributes:
        source: The table that the first SELECT is from.
        lists: The list that makes each level, from level 1 on; each lies in the level before.
        columns: Result column to its value; None for one that is computed.
        without_nulls: Whether items of the last level that are null have no row.
        rest: The statement with only those columns that are computed, if any is.
    """

    source: str
    lists: tuple[Member, ...]
    columns: Mapping[str, Value | None]
    without_nulls: bool
    rest: str | None


def plan(statement: str) -> Plan:
    """Reads what a statement unfolds.

    Args:
        statement: SELECTs in DuckDB's dialect, each from the one before.

    Raises:
        OriginError: It is something else.
    """
    root = sqlglot.parse_one(statement, dialect="duckdb")
    reader, selects = _Reader(), list(_selects(root))
    for select in selects:
        reader.read(select)
    columns = reader.names or {}
    computed = {name for name, value in columns.items() if value is None}
    _keep(selects, computed)
    rest = root.sql("duckdb", comments=False) if computed else None
    source = selects[0].args["from_"].this.name
    return Plan(source, tuple(reader.lists), columns, reader.without_nulls == len(reader.lists), rest)


def _keep(selects: Sequence[exp.Select], names: AbstractSet[str]) -> None:
    """Removes from SELECTs what columns of the last are not made of; what unfolds a list stays, for the rows."""
    for select in reversed(selects):
        kept = [
            part
            for part in select.expressions
            if part.is_star or part.alias_or_name in names or part.find(exp.Explode)
        ]
        select.set("expressions", kept)
        parts = [*kept, select.args.get("where")]
        used = {column.parts[0].name for part in parts if part for column in part.find_all(exp.Column)}
        names = used | (names if any(part.is_star for part in kept) else set())


def _selects(root: exp.Expr) -> Iterator[exp.Select]:
    before = None
    for name, select in [*((cte.alias, cte.this) for cte in root.find_all(exp.CTE)), ("", root)]:
        source = select.args.get("from_")
        others = {key for key, value in select.args.items() if value} - {
            "expressions",
            "from_",
            "where",
            "with_",
        }
        if not isinstance(select, exp.Select) or others or source is None:
            raise _unknown(select)
        if not isinstance(source.this, exp.Table) or (before and source.this.name != before):
            raise _unknown(select)
        before = name
        yield select


class _Reader:
    """Follows names from one SELECT to the next."""

    def __init__(self) -> None:
        self.lists: list[Member] = []
        self.names: dict[str, Value | None] | None = None  # None: those of the table upstream
        self.without_nulls: int | None = None  # of which level

    def read(self, select: exp.Select) -> None:
        if where := select.args.get("where"):
            self.without_nulls = self._present(where.this)
        level = len(self.lists)
        found: dict[str, Value | None] = {}
        for projection in select.expressions:
            if projection.is_star:
                found |= self.names or {}
            else:
                found[projection.alias_or_name] = self._value(projection.unalias(), level)
        self.names = found

    def _present(self, node: exp.Expr) -> int:
        """The level of `… IS NOT NULL`. A list that is unfolded next has no items where it lies in nothing."""
        test = node.this if isinstance(node, exp.Not) else None
        value = self._named(test.this) if isinstance(test, exp.Is) else None
        if value != Member(len(self.lists)):
            raise _unknown(node)
        return len(self.lists)

    def _value(self, node: exp.Expr, level: int) -> Value | None:
        if isinstance(node, exp.Column):
            return self._named(node)
        if isinstance(node, exp.Length):
            of = self._named(node.this)
            return Count(of) if isinstance(of, Member) else None
        if isinstance(node, exp.Explode):
            positions = isinstance(node.this, exp.GenerateSeries)
            self._unfold(self._named(node.this.args["end"].this if positions else node.this), node, level)
            return Position(level + 1) if positions else Member(level + 1)
        return None

    def _unfold(self, value: Value | None, node: exp.Expr, level: int) -> None:
        if not isinstance(value, Member) or value.level != level or self.lists[level:] not in ([], [value]):
            raise _unknown(node)
        self.lists[level:] = [value]

    def _named(self, node: exp.Expr) -> Value | None:
        if not isinstance(node, exp.Column):
            raise _unknown(node)
        first, *rest = (part.name for part in node.parts)
        if self.names is None:
            return Member(0, (first, *rest))
        if first not in self.names:
            raise _unknown(node)
        value = self.names[first]
        if not rest:
            return value
        return Member(value.level, (*value.path, *rest)) if isinstance(value, Member) else None


def _unknown(node: exp.Expr) -> OriginError:
    return OriginError(f"This is more than unfolding: {node.sql('duckdb')[:200]}")
