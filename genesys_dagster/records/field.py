"""The words in which the record's schema is written: one function per kind of value.

Each returns a `pyarrow.Field` that carries its documentation. Field metadata: `description` (one sentence),
`personal` ("true": the value can identify a person and is masked wherever values are shown) and `dictionary`
("true": few distinct values, worth a Parquet dictionary).
"""

import pyarrow as pa

TIMESTAMP = pa.timestamp("ms", "UTC")


def _field(name: str, kind: pa.DataType, description: str, **flags: bool) -> pa.Field:
    metadata = {"description": description} | {flag: "true" for flag, is_set in flags.items() if is_set}
    return pa.field(name, kind, metadata=metadata)


def text(name: str, description: str, *, personal: bool = False) -> pa.Field:
    """Text with many distinct values: ids, addresses, free text."""
    return _field(name, pa.string(), description, personal=personal)


def choice(name: str, description: str) -> pa.Field:
    """Text with few distinct values: enumerations (never validated, Genesys adds values at any time) and names of kinds."""
    return _field(name, pa.string(), description, dictionary=True)


def reference(name: str, description: str) -> pa.Field:
    """The id of one of the org's configured objects (queue, user, flow, …): thousands at most, each repeated often."""
    return _field(name, pa.string(), description, dictionary=True)


def timestamp(name: str, description: str) -> pa.Field:
    """An instant: ISO 8601 on the wire, milliseconds since the epoch in UTC in the column."""
    return _field(name, TIMESTAMP, description)


def calendar_day(name: str, description: str, **metadata: str) -> pa.Field:
    """A day of the calendar; `metadata` is more that the field says of itself."""
    return pa.field(name, pa.date32(), metadata={"description": description, **metadata})


def flag(name: str, description: str) -> pa.Field:
    """A boolean."""
    return _field(name, pa.bool_(), description)


def count(name: str, description: str) -> pa.Field:
    """A whole number."""
    return _field(name, pa.int64(), description)


def number(name: str, description: str) -> pa.Field:
    """A number that can have a fraction: scores, quality measures, metric values."""
    return _field(name, pa.float64(), description)


def texts(name: str, description: str, *, personal: bool = False) -> pa.Field:
    """A list of texts."""
    return _field(name, pa.list_(pa.string()), description, personal=personal)


def references(name: str, description: str) -> pa.Field:
    """A list of ids of configured objects."""
    return _field(name, pa.list_(pa.string()), description, dictionary=True)


def counts(name: str, description: str) -> pa.Field:
    """A list of whole numbers."""
    return _field(name, pa.list_(pa.int64()), description)


def one(name: str, description: str, fields: list[pa.Field]) -> pa.Field:
    """One nested object."""
    return _field(name, pa.struct(fields), description)


def many(name: str, description: str, fields: list[pa.Field]) -> pa.Field:
    """A list of nested objects."""
    return _field(name, pa.list_(pa.struct(fields)), description)


def text_map(name: str, description: str, *, personal: bool = False) -> pa.Field:
    """An object whose keys are data: text to text."""
    return _field(name, pa.map_(pa.string(), pa.string()), description, personal=personal)
