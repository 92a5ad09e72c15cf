"""What DuckDB returns, brought to the schema that the object is to have.

DuckDB passes nested values through under the names that they had upstream, and has its own units of time.
"""

import pyarrow as pa

from genesys_dagster.lake.errors import FrameError
from genesys_dagster.lake.nested import is_plain_list


def shaped(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Returns a batch of exactly the schema.

    Args:
        batch: Its columns have the schema's names, in any order.
        schema: Names, types and order to have. Members of structs are matched by position.

    Raises:
        FrameError: The columns are not those of the schema, or values do not fit a type.
    """
    if sorted(batch.schema.names) != sorted(schema.names):
        differing = set(batch.schema.names) ^ set(schema.names)
        raise FrameError(f"The statement's columns are not those of the schema: {sorted(differing)} differ.")
    columns = [shaped_column(batch.column(field.name), field) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def shaped_column(array: pa.Array, field: pa.Field) -> pa.Array:
    """Returns a column of the field's type; a dictionary of such values stays one.

    Raises:
        FrameError: Values do not fit the type.
    """
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if kind == field.type and not pa.types.is_nested(kind):
        return array
    try:
        return _renamed(array, field.type).cast(field.type, safe=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # their text can quote values
        raise FrameError(
            f"Column {field.name!r} of the statement is {array.type}, with values that do not fit {field.type}."
        ) from None


def _renamed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Gives the members of structs, at any depth, the names that they have in the type."""
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        if array.type.num_fields != kind.num_fields:
            raise FrameError(f"A struct of {array.type.num_fields} members is not {kind}.")
        members = [_renamed(array.field(at), member.type) for at, member in enumerate(kind)]
        fields = [pa.field(member.name, got.type) for member, got in zip(kind, members, strict=True)]
        return pa.StructArray.from_arrays(members, fields=fields, mask=array.is_null())
    if is_plain_list(kind) and is_plain_list(array.type):
        values = _renamed(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, mask=array.is_null())
    return array
