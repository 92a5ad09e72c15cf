"""Follows names of a statement back to its upstream tables.

Reads DuckDB's SQL as sqlglot parses it: subqueries and CTEs, unnested lists, members of structs, lambdas.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatchmethod
from typing import TypeAlias

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from genesys_dagster.sql.origin import Found, Origin, OriginError, as_structural, union

Members: TypeAlias = tuple[str, ...]
Source: TypeAlias = Scope | exp.Expr

_ROW_CLAUSES = ("where", "group", "having", "qualify", "order")


@dataclass(frozen=True)
class _Place:
    """Where an expression stands: its scope, the lambda variables around it, and the aliases on the way to it."""

    scope: Scope
    variables: Mapping[str, tuple[exp.Expr, "_Place"]]
    aliases: frozenset[str] = frozenset()

    def inside(self, names: Iterable[exp.Expr], value: exp.Expr) -> "_Place":
        """The place inside a lambda: its first variable is an item of the value, further ones are positions."""
        bound = {name.name: (value if at == 0 else exp.Null(), self) for at, name in enumerate(names)}
        return replace(self, variables={**self.variables, **bound})


class Resolver:
    """Finds origins.

    Args:
        upstream: Table to the names of its columns.
    """

    def __init__(self, upstream: Mapping[str, Iterable[str]]) -> None:
        self._upstream = {
            table.lower(): (table, {column.lower(): column for column in columns})
            for table, columns in upstream.items()
        }

    def column(self, source: Source, name: str, members: Members = ()) -> Found:
        """The origins of a source's column, or of members nested in it.

        Raises:
            OriginError: There is no such column.
        """
        found = self._in_source(source, name, members)
        if found is None:
            raise OriginError(f"There is no column {name!r} in {_shown(source)}.")
        return found

    def rows(self, scope: Scope) -> Found:
        """The origins of what decides a scope's rows: conditions, groups, joins, lists that are unnested."""
        select = scope.expression
        if not isinstance(select, exp.Select):
            return frozenset()
        place = _Place(scope, {})
        joins = select.args.get("joins") or ()
        clauses = [*map(select.args.get, _ROW_CLAUSES), *(join.args.get("on") for join in joins)]
        using = [name.name for join in joins for name in join.args.get("using") or ()]
        lists = [node.this for part in select.expressions for node in part.find_all(exp.Explode)]
        return union(
            [
                *(self._value(clause, place) for clause in clauses if clause is not None),
                *(
                    self._in_source(source, name, ()) or frozenset()
                    for source in _sources(scope).values()
                    for name in using
                ),
                *(as_structural(self._value(unnested, place)) for unnested in lists),
            ]
        )

    # Sources: what stands in FROM. None where one has no such column.

    def _in_source(self, source: Source, name: str, members: Members) -> Found | None:
        if isinstance(source, exp.Table):
            return self._in_table(source, name, members)
        if not isinstance(source, Scope):
            return None
        if isinstance(source.expression, exp.SetOperation):
            return self._in_set_operation(source, name, members)
        if isinstance(source.expression, exp.Select):
            return self._in_select(source, name, members)
        return self._in_function(source, name, members)

    def _in_table(self, table: exp.Table, name: str, members: Members) -> Found | None:
        if isinstance(table.this, exp.Func):  # a table of numbers or dates: made of nothing upstream
            return frozenset() if name.lower() in _alias_columns(table) else None
        if table.name.lower() not in self._upstream:
            raise OriginError(f"The table {table.name!r} is not among {sorted(self._upstream)}.")
        known, columns = self._upstream[table.name.lower()]
        column = columns.get(name.lower())
        return None if column is None else frozenset({Origin(known, (column, *members))})

    def _in_function(self, source: Scope, name: str, members: Members) -> Found | None:
        """Columns of UNNEST or VALUES in FROM have the names that the alias gives them."""
        names, lists = _alias_columns(source.expression), source.expression.expressions
        position = source.expression.args.get("offset")  # WITH ORDINALITY
        names += [position.name.lower()] if isinstance(position, exp.Identifier) else []
        if name.lower() not in names:
            return None
        if not isinstance(source.expression, exp.Unnest):
            return frozenset()
        at = names.index(name.lower())
        if at < len(lists):
            return self._value(lists[at], _Place(source, {}), members)
        return as_structural(self._all(lists, _Place(source, {})))

    def _in_set_operation(self, source: Scope, name: str, members: Members) -> Found | None:
        """Columns of a UNION have the names of its first part; the other parts' are matched by position."""
        parts = [(part, [column.lower() for column in _names(part)]) for part in source.set_operation_scopes]
        first = parts[0][1]
        if name.lower() not in first:
            return None
        at = first.index(name.lower())
        return union(self.column(part, names[at], members) for part, names in parts)

    def _in_select(self, source: Scope, name: str, members: Members) -> Found | None:
        projections = source.expression.expressions
        for projection in projections:
            if projection.alias_or_name.lower() == name.lower():
                return self._value(projection, _Place(source, {}), members)
        for projection in projections:
            if projection.is_star:
                alias = projection.args["table"].name if isinstance(projection, exp.Column) else None
                found = self._in_any_source(source, name, members, alias)
                if found is not None:
                    return found
        return None

    def _in_any_source(
        self, scope: Scope, name: str, members: Members, alias: str | None = None
    ) -> Found | None:
        # An alias may be that of a semi join, whose columns are in reach by it alone.
        for known, source in (_sources(scope) if alias is None else scope.sources).items():
            if alias is None or known.lower() == alias.lower():
                found = self._in_source(source, name, members)
                if found is not None:
                    return found
        return None

    # Expressions: what a value is made of.

    def _value(self, node: exp.Expr, place: _Place, members: Members = ()) -> Found:
        """The origins of an expression's value, or of members nested in it."""
        steps = _steps(node, place)
        return self._of(node, place, members) if steps is None else self._name(steps + members, place)

    @singledispatchmethod
    def _of(self, node: exp.Expr, place: _Place, _: Members) -> Found:
        """What is not listed below is made of its parts, each as a whole."""
        return self._all(node.iter_expressions(), place)

    def _all(self, nodes: Iterable[exp.Expr], place: _Place) -> Found:
        return union(self._value(node, place) for node in nodes)

    @_of.register(exp.Dot)
    def _member(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        return self._value(node.this, place, (node.expression.name, *members))

    @_of.register(exp.Alias)
    @_of.register(exp.ArrayDistinct)
    @_of.register(exp.ArraySort)
    @_of.register(exp.Cast)
    @_of.register(exp.Explode)
    @_of.register(exp.Paren)
    def _same(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        return self._value(node.this, place, members)

    @_of.register(exp.Bracket)
    def _item(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        return self._value(node.this, place, members) | self._all(node.expressions, place)

    @_of.register(exp.ArraySize)
    @_of.register(exp.Count)
    @_of.register(exp.Length)
    def _presence(self, node: exp.Expr, place: _Place, _: Members) -> Found:
        return as_structural(self._all(node.iter_expressions(), place))

    @_of.register(exp.Is)
    def _test(self, node: exp.Expr, place: _Place, _: Members) -> Found:
        found = self._all(node.iter_expressions(), place)
        return as_structural(found) if isinstance(node.expression, exp.Null) else found

    @_of.register(exp.Transform)
    def _transform(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        function = node.expression
        return self._value(function.this, place.inside(function.expressions, node.this), members)

    @_of.register(exp.ArrayFilter)
    def _filter(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        return self._value(node.this, place, members) | self._transform(node, place, ())

    @_of.register(exp.Comprehension)
    def _comprehension(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        inside = place.inside([node.expression], node.args["iterator"])
        condition = node.args.get("condition")
        return self._value(node.this, inside, members) | self._all([condition] if condition else [], inside)

    @_of.register(exp.Select)
    def _subquery(self, node: exp.Expr, place: _Place, members: Members) -> Found:
        """The origins of the one column of a subquery that stands for a value."""
        (scope,) = [scope for scope in place.scope.subquery_scopes if scope.expression is node]
        return self._value(node.expressions[0], _Place(scope, {}), members)

    def _name(self, steps: Members, place: _Place) -> Found:
        """The origins of what a dotted name stands for: variable, column or alias, then members."""
        first, rest = steps[0], steps[1:]
        if first in place.variables:
            node, outside = place.variables[first]
            return self._value(node, outside, rest)
        found = self._in_any_source(place.scope, rest[0], rest[1:], first) if rest else None
        if found is None:
            found = self._in_any_source(place.scope, first, rest)
        if found is None:
            found = self._alias(first, place, rest)
        if found is None and place.scope.is_subquery and place.scope.parent:
            found = self._name(steps, _Place(place.scope.parent, {}))
        if found is None:
            raise OriginError(f"There is no column {'.'.join(steps)!r} in {_shown(place.scope)}.")
        return found

    def _alias(self, name: str, place: _Place, members: Members) -> Found | None:
        """A column of the same SELECT, which DuckDB lets others refer to."""
        if not isinstance(place.scope.expression, exp.Select) or name.lower() in place.aliases:
            return None
        inside = replace(place, aliases=place.aliases | {name.lower()})
        for projection in place.scope.expression.expressions:
            if isinstance(projection, exp.Alias) and projection.alias.lower() == name.lower():
                return self._value(projection, inside, members)
        return None


def _steps(node: exp.Expr, place: _Place) -> Members | None:
    """The parts of a dotted name; None for other expressions."""
    if isinstance(node, exp.Column):
        return tuple(part.name for part in node.parts)
    if isinstance(
        node, exp.Identifier
    ):  # a name only where it is a lambda's variable, else part of something
        return (node.name,) if node.name in place.variables else None
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        before = _steps(node.this, place)
        return None if before is None else (*before, node.expression.name)
    return None


def _sources(scope: Scope) -> Mapping[str, Source]:
    """The tables and subqueries of a scope's FROM by their names there."""
    if isinstance(scope.expression, exp.Unnest):
        return scope.sources
    return {name: source for name, (_, source) in scope.selected_sources.items()}


def _names(scope: Scope) -> list[str]:
    select = scope.expression
    return select.named_selects if isinstance(select, exp.Query) else []


def _alias_columns(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias):
        return []
    return [column.name.lower() for column in alias.args.get("columns") or [alias.this]]


def _shown(source: Source) -> str:
    node = source.expression if isinstance(source, Scope) else source
    return node.sql(dialect="duckdb")[:200]
