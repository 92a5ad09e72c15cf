"""Reading only those leaves of nested records that a check looks at.

An Arrow dataset reads top-level columns whole, and `participants` is nearly the whole record. The Parquet file below
it can be read leaf by leaf: a tenth of the time and memory, measured on 18,000 conversations.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from genesys_dagster.lazy import ds, np, pa, pc, pq

_ROWS_PER_BATCH = 2_000
# Parquet's own level names between a list and its elements (Parquet format, "LogicalTypes", Lists).
_LIST_LEVEL = re.compile(r"\.list\.(?:element|item)")
_NULL = " (null)"

if TYPE_CHECKING:
    Indices = np.ndarray[tuple[int], np.dtype[np.int64]]


def batches(dataset: ds.Dataset, leaves: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Yield all rows with the wanted leaves only, a few thousand rows at a time.

    Args:
        dataset: One or more Parquet objects.
        leaves: Paths such as `participants.sessions.metrics.name`, list levels left out.

    Yields:
        Batches whose nested columns have only those leaves; a leaf that an object lacks is missing.
    """
    for fragment in dataset.get_fragments():
        # Not closed here: it is the dataset's own file, which may be read again.
        file = pq.ParquetFile(fragment.open(), pre_buffer=True)
        wanted = [path for path in _paths(file) if _LIST_LEVEL.sub("", path) in leaves]
        for group in range(file.metadata.num_row_groups):
            yield from file.iter_batches(_ROWS_PER_BATCH, row_groups=[group], columns=wanted)


def count_entries(rows: Rows, leaves: Collection[str]) -> dict[str, int]:
    """Count the values that Parquet keeps of each leaf, and of columns those that are null.

    One for each innermost element, also if it is null, and one for each list on the way that is empty or absent (Parquet
    format, "Nested Encoding").
    """
    found: dict[str, int] = {}
    for leaf in leaves:
        *path, name = leaf.split(".")
        found[leaf] = rows.level(*path).entries if path else len(rows)
        if not path:
            found[f"{leaf}{_NULL}"] = rows[name].null_count
    return found


def stored_entries(dataset: ds.Dataset, leaves: Collection[str]) -> dict[str, int | None]:
    """The same by the footers of Parquet objects; None for what they do not say."""
    found: dict[str, int | None] = {}
    for fragment in dataset.get_fragments():
        footer = fragment.metadata
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                leaf = _LIST_LEVEL.sub("", column.path_in_schema)
                if leaf not in leaves:
                    continue
                _add(found, leaf, column.num_values)
                if "." not in leaf:
                    said = column.statistics
                    _add(found, f"{leaf}{_NULL}", said.null_count if said and said.has_null_count else None)
    return found


def _add(found: dict[str, int | None], name: str, more: int | None) -> None:
    before = found.get(name, 0)
    found[name] = None if before is None or more is None else before + more


def missing_leaves(dataset: ds.Dataset, leaves: Collection[str]) -> set[str]:
    """Return the leaves that the dataset's schema does not have."""
    return {leaf for leaf in leaves if not _has(dataset.schema, leaf.split("."))}


def _paths(file: pq.ParquetFile) -> Iterator[str]:
    for number in range(len(file.schema)):
        yield file.schema.column(number).path


def _has(fields: pa.Schema | pa.StructType, path: list[str]) -> bool:
    index = fields.get_field_index(path[0])
    if index < 0:
        return False
    if len(path) == 1:
        return True
    kind = fields.field(index).type
    while pa.types.is_list(kind):
        kind = kind.value_type
    return pa.types.is_struct(kind) and _has(kind, path[1:])


class Level:
    """The elements of one nesting level of a batch, and to which row of the batch each belongs.

    Attributes:
        values: The elements, a struct array.
        rows: For each element, the row of the batch.
        parents: For each element, the position of its parent in the level above.
        entries: The elements, and the lists on the way to them that are empty or absent.
    """

    def __init__(self, values: pa.StructArray, rows: Indices, parents: Indices, above: int) -> None:
        self.values = values
        self.rows = rows
        self.parents = parents
        with_elements = int(np.count_nonzero(np.diff(parents))) + 1 if len(parents) else 0
        self.entries = above - with_elements + len(values)
        self._below: dict[str, Level] = {}

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, batch: pa.RecordBatch, column: str) -> Level:
        """The elements of a list column."""
        lists = batch[column]
        rows = _indices(pc.list_parent_indices(lists))
        return cls(pc.list_flatten(lists), rows, rows, len(batch))

    def below(self, name: str) -> Level:
        """The elements of a list within each element."""
        if name not in self._below:
            lists = self.get(name)
            parents = _indices(pc.list_parent_indices(lists))
            self._below[name] = Level(pc.list_flatten(lists), self.rows[parents], parents, self.entries)
        return self._below[name]

    def get(self, name: str) -> pa.Array:
        """One field of all elements."""
        return pc.struct_field(self.values, name)


class Rows:
    """A batch whose nesting levels are taken apart once, whoever looks at them.

    Args:
        batch: The batch.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self._levels: dict[str, Level] = {}

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, column: str) -> pa.Array:
        return self.batch[column]

    def level(self, column: str, *below: str) -> Level:
        """The elements at the end of a path of lists."""
        if column not in self._levels:
            self._levels[column] = Level.of(self.batch, column)
        level = self._levels[column]
        for name in below:
            level = level.below(name)
        return level


def _indices(array: pa.Array) -> Indices:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.int64)
