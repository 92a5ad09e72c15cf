"""The columns that a definition shows, before anything is materialized."""

import dagster as dg

from genesys_dagster.lake.columns_tab import shown, struct_of
from genesys_dagster.records.field import Columns, Field, Kind, ListOf, MapOf, Struct


def table_schema(columns: Columns) -> dg.TableSchema:
    """What `lake.metadata.column_schema` makes of what is written, made of the columns as they are described."""
    return dg.TableSchema(columns=[_column(field) for field in columns])


def _column(field: Field) -> dg.TableColumn:
    return shown(
        field.name,
        _readable(field.type),
        field.metadata["description"],
        _members(field.type),
        nullable=field.nullable,
    )


def _readable(kind: Kind) -> str:
    match kind:
        case Struct():
            return struct_of(len(kind.fields))
        case MapOf():
            return f"map<{_readable(kind.keys)}, {_readable(kind.values)}>"
        case ListOf():
            return f"list<{_readable(kind.items)}>"
        case _:
            return kind


def _members(kind: Kind) -> list[str]:
    while isinstance(kind, ListOf):
        kind = kind.items
    return [member.name for member in kind.fields] if isinstance(kind, Struct) else []
