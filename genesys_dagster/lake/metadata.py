"""What was written, as Dagster metadata (the standard keys where Dagster has one)."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster.lake.columns_tab import shown, struct_of
from genesys_dagster.lake.preview import preview
from genesys_dagster.lake.publish import Written


def materialization_metadata(
    written: Written, *, partitioned: bool, preview_rows: int, masked: Collection[str]
) -> Mapping[str, Any]:
    """Describes one object.

    Args:
        written: The write's report.
        partitioned: Whether the object is one partition of its asset.
        preview_rows: How many rows the preview has; 0 for none.
        masked: Columns to mask in the preview besides those marked as personal.

    Returns:
        Metadata of the materialization. What the stream itself said comes on top.
    """
    rows = "dagster/partition_row_count" if partitioned else "dagster/row_count"
    described: dict[str, Any] = {
        rows: written.rows,
        "dagster/uri": written.uri,
        "dagster/column_schema": column_schema(written.schema),
        "bytes_written": written.object.size,
        "multipart_parts": written.object.parts,
        "row_groups": written.row_groups,
        "sha256": written.object.sha256,
        "duration": dg.MetadataValue.float(round(written.seconds, 3)),
    }
    if preview_rows:
        described["preview"] = dg.MetadataValue.md(preview(written.head.slice(0, preview_rows), masked))
    return {**described, **written.metadata}


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """Returns the schema for the asset's Columns tab: one line per column, the members of structs beside the type.

    Args:
        schema: An Arrow schema; field metadata `description` becomes the column's description.

    Returns:
        Dagster's form of it.
    """
    return dg.TableSchema(columns=[_column(field) for field in schema])


def _column(field: pa.Field) -> dg.TableColumn:
    text = (field.metadata or {}).get(b"description", b"").decode()
    return shown(field.name, readable_type(field.type), text, _members(field.type), nullable=field.nullable)


def readable_type(kind: pa.DataType) -> str:
    """Returns a type as text, such as `list<struct<12 fields>>`."""
    if pa.types.is_struct(kind):
        return struct_of(kind.num_fields)
    if pa.types.is_map(kind):
        return f"map<{readable_type(kind.key_type)}, {readable_type(kind.item_type)}>"
    if _is_list(kind):
        return f"list<{readable_type(kind.value_type)}>"
    return str(kind)


def _members(kind: pa.DataType) -> list[str]:
    """Names of the members of a struct, or of the structs in a list."""
    while _is_list(kind):
        kind = kind.value_type
    return [member.name for member in kind] if pa.types.is_struct(kind) else []


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
