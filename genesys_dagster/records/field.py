"""The words in which the record's schema is written: one function per kind of value.

Each returns a `Field`, which says what a column is without Arrow: definitions show columns, and only a step that has rows
needs Arrow's schema of them. Metadata of a field: `description` (one sentence), `personal` ("true": the value can identify
a person and is masked wherever values are shown) and `dictionary` ("true": few distinct values, worth a Parquet
dictionary).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

from genesys_dagster.lazy import pa


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    items: Kind


@dataclass(frozen=True, slots=True)
class Struct:
    """A nested object."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are data."""

    keys: Kind
    values: Kind


Kind: TypeAlias = str | ListOf | Struct | MapOf
"""A type; what is not nested as Arrow writes it."""

TEXT, TIMESTAMP, DAY, BOOLEAN, WHOLE, NUMBER = (
    "string",
    "timestamp[ms, tz=UTC]",
    "date32[day]",
    "bool",
    "int64",
    "double",
)


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a member of a nested object.

    Attributes:
        name: Its name.
        type: What it holds.
        metadata: What it says of itself.
        nullable: Whether it can be absent.
    """

    name: str
    type: Kind
    metadata: Mapping[str, str] = field(hash=False)
    nullable: bool = True

    def required(self) -> Field:
        """The same, never absent."""
        return replace(self, nullable=False)

    @property
    def arrow(self) -> pa.Field:
        """The same in Arrow's words."""
        return pa.field(self.name, arrow_type(self.type), self.nullable, dict(self.metadata))


class Columns(tuple[Field, ...]):
    """The columns of a table."""

    __slots__ = ()

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [column.name for column in self]

    @property
    def schema(self) -> pa.Schema:
        """Arrow's schema."""
        return _schema(self)


@cache
def _schema(columns: Columns) -> pa.Schema:
    return pa.schema([column.arrow for column in columns])


def arrow_type(kind: Kind) -> pa.DataType:
    """A type in Arrow's words."""
    match kind:
        case ListOf():
            return pa.list_(arrow_type(kind.items))
        case Struct():
            return pa.struct([member.arrow for member in kind.fields])
        case MapOf():
            return pa.map_(arrow_type(kind.keys), arrow_type(kind.values))
        case _:
            return {TIMESTAMP: pa.timestamp("ms", "UTC"), DAY: pa.date32()}.get(kind) or pa.type_for_alias(
                kind
            )


def _field(name: str, kind: Kind, description: str, **flags: bool) -> Field:
    return Field(
        name, kind, {"description": description} | {flag: "true" for flag, is_set in flags.items() if is_set}
    )


def text(name: str, description: str, *, personal: bool = False) -> Field:
    """Text with many distinct values: ids, addresses, free text."""
    return _field(name, TEXT, description, personal=personal)


def choice(name: str, description: str) -> Field:
    """Text with few distinct values: enumerations (never validated, Genesys adds values at any time) and names of kinds."""
    return _field(name, TEXT, description, dictionary=True)


def reference(name: str, description: str) -> Field:
    """The id of one of the org's configured objects (queue, user, flow, …): thousands at most, each repeated often."""
    return _field(name, TEXT, description, dictionary=True)


def timestamp(name: str, description: str) -> Field:
    """An instant: ISO 8601 on the wire, milliseconds since the epoch in UTC in the column."""
    return _field(name, TIMESTAMP, description)


def calendar_day(name: str, description: str, **metadata: str) -> Field:
    """A day of the calendar; `metadata` is more that the field says of itself."""
    return Field(name, DAY, {"description": description, **metadata})


def flag(name: str, description: str) -> Field:
    """A boolean."""
    return _field(name, BOOLEAN, description)


def count(name: str, description: str) -> Field:
    """A whole number."""
    return _field(name, WHOLE, description)


def number(name: str, description: str) -> Field:
    """A number that can have a fraction: scores, quality measures, metric values."""
    return _field(name, NUMBER, description)


def texts(name: str, description: str, *, personal: bool = False) -> Field:
    """A list of texts."""
    return _field(name, ListOf(TEXT), description, personal=personal)


def references(name: str, description: str) -> Field:
    """A list of ids of configured objects."""
    return _field(name, ListOf(TEXT), description, dictionary=True)


def counts(name: str, description: str) -> Field:
    """A list of whole numbers."""
    return _field(name, ListOf(WHOLE), description)


def one(name: str, description: str, fields: Iterable[Field]) -> Field:
    """One nested object."""
    return _field(name, Struct(tuple(fields)), description)


def many(name: str, description: str, fields: Iterable[Field]) -> Field:
    """A list of nested objects."""
    return _field(name, ListOf(Struct(tuple(fields))), description)


def text_map(name: str, description: str, *, personal: bool = False) -> Field:
    """An object whose keys are data: text to text."""
    return _field(name, MapOf(TEXT, TEXT), description, personal=personal)
