"""The object's schema is that of its table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import dagster as dg

from genesys_dagster.checks.finding import Finding
from genesys_dagster.lazy import ds, pa

NAME = "schema"
DESCRIPTION = (
    "The object has exactly the columns and types of the table's schema, so that days can be read together and "
    "every column that downstream reads is there, and, right after it was written, as many values as were written. An "
    "object of an older version is brought up to date by pulling the partition again."
)


def schema_finding(
    dataset: ds.Dataset, schema: pa.Schema, otherwise: Mapping[str, str] = MappingProxyType({})
) -> Finding:
    """Compare a partition's schema with what it should be, at every depth.

    Args:
        dataset: The partition.
        schema: What it should be.
        otherwise: What else differs from what was written, leaf by leaf.
    """
    differences = {**_differences(dataset.schema, schema), **otherwise}
    if not differences:
        return Finding(passed=True, summary=f"All {len(schema)} columns are as they should be.")
    return Finding(
        passed=False,
        summary=f"{len(differences)} fields differ from the schema; pull the partition again.",
        figures={"differences": dg.MetadataValue.json(differences)},
    )


def _differences(found: pa.Schema, wanted: pa.Schema) -> dict[str, str]:
    ours, theirs = _flat(pa.struct(list(found))), _flat(pa.struct(list(wanted)))
    differences = {path: "is missing" for path in theirs if path not in ours}
    differences |= {path: "is not in the schema" for path in ours if path not in theirs}
    return differences | {
        path: f"is {ours[path]} instead of {kind}"
        for path, kind in theirs.items()
        if path in ours and ours[path] != kind
    }


def _flat(kind: pa.StructType, prefix: str = "") -> dict[str, str]:
    """Path to type of every field that is not a mere container."""
    flat: dict[str, str] = {}
    for field in kind:
        path, inner, depth = prefix + field.name, field.type, ""
        while pa.types.is_list(inner) or pa.types.is_large_list(inner):
            inner, depth = inner.value_type, depth + "list of "
        flat[path] = depth + _name(inner)
        flat[path] += "" if field.nullable else ", never null"
        if pa.types.is_struct(inner):
            flat |= _flat(inner, f"{path}.")
    return flat


def _name(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "objects"
    if pa.types.is_map(kind):  # in full it also names its fields, which Parquet does not keep
        return f"map of {kind.key_type} to {kind.item_type}"
    return str(kind)
