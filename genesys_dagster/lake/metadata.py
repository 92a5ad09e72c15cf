"""What was written, as Dagster metadata (the standard keys where Dagster has one)."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster.lake.preview import preview
from genesys_dagster.lake.publish import Written

# Deeper types would make a column's type longer than its table.
_MAX_DEPTH = 2
_MAX_FIELDS = 8


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
    """Returns the schema for the asset's Columns tab: one line per column, nested types abridged.

    Args:
        schema: An Arrow schema; field metadata `description` becomes the column's description.

    Returns:
        Dagster's form of it.
    """
    return dg.TableSchema(columns=[_column(field) for field in schema])


def _column(field: pa.Field) -> dg.TableColumn:
    description = (field.metadata or {}).get(b"description")
    return dg.TableColumn(
        name=field.name,
        type=readable_type(field.type),
        description=description.decode() if description else None,
        constraints=dg.TableColumnConstraints(nullable=field.nullable),
    )


def readable_type(kind: pa.DataType, depth: int = 0) -> str:
    """Returns a type as text, such as `list<struct<id: string, … 12 fields>>`."""
    if pa.types.is_struct(kind):
        if depth >= _MAX_DEPTH:
            return f"struct<{kind.num_fields} fields>"
        fields = [f"{child.name}: {readable_type(child.type, depth + 1)}" for child in kind]
        if len(fields) > _MAX_FIELDS:
            fields = [*fields[:_MAX_FIELDS], f"… {len(fields)} fields"]
        return f"struct<{', '.join(fields)}>"
    if pa.types.is_map(kind):
        return f"map<{readable_type(kind.key_type, depth)}, {readable_type(kind.item_type, depth)}>"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"list<{readable_type(kind.value_type, depth)}>"
    return str(kind)
