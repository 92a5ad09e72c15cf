"""The first rows as a Markdown table that shows no personal data.

Columns marked `personal` in their field metadata, or named by the configuration, are masked. Nested
values are never shown, only counted; so is JSON in a text column.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import pyarrow as pa

MASK = "•••"
_MAX_TEXT = 60


def preview(rows: pa.Table, masked: Collection[str] = ()) -> str:
    """Renders rows.

    Args:
        rows: A few rows. Columns that are null in all of them are left out.
        masked: Names of columns to mask in addition to those whose field says `personal`.

    Returns:
        A Markdown table, or a sentence if there are no rows.
    """
    shown = [field for field in rows.schema if rows[field.name].null_count < rows.num_rows]
    if not shown:
        return "*no rows*" if not rows.num_rows else "*nothing but nulls*"
    cells = [[_cell(value, field, masked) for value in _values(rows, field)] for field in shown]
    lines = [
        _line(_escaped(field.name) for field in shown),
        _line("---" for _ in shown),
        *(_line(row) for row in zip(*cells, strict=True)),
    ]
    return "\n".join(lines)


def _values(rows: pa.Table, field: pa.Field) -> list[Any]:
    """Returns a column as Python values; of lists and maps only the lengths, of structs only the presence."""
    column = rows[field.name]
    if pa.types.is_nested(field.type):
        return [_size(scalar) for scalar in column]
    return list(column.to_pylist())


def _size(scalar: pa.Scalar) -> int | None:
    """Returns the number of elements, entries, or filled fields of a nested value."""
    if not scalar.is_valid:
        return None
    if pa.types.is_struct(scalar.type):
        return sum(bool(child.is_valid) for child in scalar.values())
    return len(scalar)


def _cell(value: Any, field: pa.Field, masked: Collection[str]) -> str:
    if value is None:
        return ""
    if pa.types.is_nested(field.type):
        return f"{value} {_unit(field)}"
    return MASK if field.name in masked or is_personal(field) else _scalar(value)


def _scalar(value: Any) -> str:
    """Renders a value that may be shown."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = str(value)
    # JSON may hold anything, personal data too.
    if text[:1] in {"{", "["}:
        return f"JSON, {len(text)} characters"
    return _escaped(text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…")


def _unit(field: pa.Field) -> str:
    """Returns what the number of a nested value counts."""
    if pa.types.is_struct(field.type):
        return f"of {field.type.num_fields} fields"
    return "map entries" if pa.types.is_map(field.type) else _escaped(field.name)


def is_personal(field: pa.Field) -> bool:
    """Returns whether a field is marked as personal data."""
    return bool((field.metadata or {}).get(b"personal", b"").lower() == b"true")


def _escaped(text: str) -> str:
    """Keeps a value from breaking out of its cell."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    for special in ("\\", "|", "`", "*", "_", "[", "]"):
        clean = clean.replace(special, "\\" + special)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"
