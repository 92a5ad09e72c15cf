"""Arrow's nested arrays: the part of a child array that the rows at hand refer to."""

import pyarrow as pa


def referred(array: pa.Array, child: pa.Array) -> pa.Array:
    """Returns the part of a list's or map's child that its rows refer to.

    `values`, `keys` and `items` are the whole child array, also when the parent is a slice.

    Args:
        array: A list, large list or map array.
        child: One of its child arrays.

    Returns:
        A slice of the child, nothing copied.
    """
    if not len(array):
        return child.slice(0, 0)
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return child.slice(first, last - first)


def is_plain_list(kind: pa.DataType) -> bool:
    """Returns whether a type is a list with offsets (not a map, not of fixed size)."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def count_nulls(array: pa.Array) -> None:
    """Makes the null counts of an array known at every depth.

    Arrow counts when asked, and remembers. Concatenating arrays whose counts are unknown gives each a validity bitmap,
    with which encoding Parquet takes half as long again (measured: 84 instead of 50 µs for a conversation record).
    """
    _ = array.null_count
    kind = array.type
    if pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            count_nulls(array.field(index))
    elif pa.types.is_map(kind):
        count_nulls(array.keys)
        count_nulls(array.items)
    elif is_plain_list(kind) or pa.types.is_fixed_size_list(kind):
        count_nulls(array.values)
