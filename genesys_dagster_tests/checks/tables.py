"""Changing a stored day, as a fault would have left it."""

import msgspec
import pyarrow as pa

from genesys_dagster.records.decode import decode


def set_column(table, name, values):
    """The table with other values in a column."""
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    return table.set_column(at, field, pa.array(values, field.type))


def changed(table, row, change):
    """The table with one record changed in place by a function."""
    record = table.slice(row, 1).to_pylist()[0]
    change(record)
    one = pa.Table.from_pylist([record], schema=table.schema)
    return pa.concat_tables([table.slice(0, row), one, table.slice(row + 1)])


def decoded(records):
    """Records as a pull stores them."""
    return pa.Table.from_batches([decode([msgspec.json.encode({"conversations": records})]).rows])
