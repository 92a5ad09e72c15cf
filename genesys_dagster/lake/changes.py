"""What a new version of an object changes: rows added, changed and removed against the version before.

Of each row two numbers are kept, a digest of its key and one of all its values: 16 bytes per row, whatever the rows
weigh. The version before is read a few rows at a time.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.frames import FrameStream, closing, tables
from genesys_dagster.lake.stored import StoredVersion

logger = logging.getLogger(__name__)

Digests = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of the new version compared with the version before.

    Attributes:
        added: Keys that are new.
        changed: Keys that both have, with other values.
        removed: Keys that only the version before has.
        unchanged: Keys that both have, with the same values.
    """

    added: int
    changed: int
    removed: int
    unchanged: int


class RowDigests:
    """Digests of the rows of one version.

    Two different rows share a digest with a probability of 2⁻⁶⁴. A list or map that is empty has the digest of one
    that is absent.

    Args:
        key: The column whose value tells rows apart.
    """

    def __init__(self, key: str) -> None:
        import duckdb

        self._key = key
        self._connection = duckdb.connect(config={"threads": 1})
        self._parts: list[tuple[Digests, Digests]] = []

    def add(self, table: pa.Table) -> None:
        """Takes note of rows; no key may come twice."""
        if table.num_rows:
            self._parts.append(self._digests(table))

    def compare(self, previous: Iterable[pa.Table]) -> Changes:
        """Compares the rows taken note of with those of the version before.

        Args:
            previous: Its rows, in tables of the same schema.
        """
        keys, rows = self._sorted()
        found = unchanged = removed = 0
        for table in previous:
            old_keys, old_rows = self._digests(table)
            places = np.searchsorted(keys, old_keys)
            inside = places < len(keys)
            known = inside.copy()
            known[inside] = keys[places[inside]] == old_keys[inside]
            found += int(known.sum())
            removed += int((~known).sum())
            unchanged += int((rows[places[known]] == old_rows[known]).sum())
        return Changes(len(keys) - found, found - unchanged, removed, unchanged)

    def _digests(self, table: pa.Table) -> tuple[Digests, Digests]:
        key = self._key.replace('"', '""')
        columns = self._connection.from_arrow(table).set_alias("row")
        digests = columns.project(f'hash("{key}") AS of_key, hash("row") AS of_row').fetchnumpy()
        return digests["of_key"], digests["of_row"]

    def _sorted(self) -> tuple[Digests, Digests]:
        if not self._parts:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        keys = np.concatenate([part for part, _ in self._parts])
        order = np.argsort(keys)
        return keys[order], np.concatenate([part for _, part in self._parts])[order]


def counting_changes(stream: FrameStream, key: str, previous: StoredVersion | None) -> FrameStream:
    """Lets a stream report, as metadata, what it changes against the version before.

    The comparison takes place when the frames are exhausted, before the new object is committed. If it cannot be
    made, because the version before has another schema or cannot be read, nothing is reported and the log says why:
    a count is never worth a partition.

    Args:
        stream: The new rows.
        key: The column whose value tells rows apart.
        previous: The version before; None if there is none, which leaves the stream as it is.

    Returns:
        The stream, with `rows_added`, `rows_changed`, `rows_removed` in its metadata.
    """
    if previous is None:
        return stream
    digests = RowDigests(key)

    def frames() -> Iterator[pa.Table]:
        with closing(stream.frames):
            for table in tables(stream):
                digests.add(table)
                yield table

    def metadata() -> Mapping[str, Any]:
        return {**stream.metadata(), **_count(digests, previous)}

    return FrameStream(stream.schema, frames(), metadata)


def _count(digests: RowDigests, previous: StoredVersion) -> Mapping[str, int]:
    try:
        changes = digests.compare(previous.tables())
    except (LakeError, pa.ArrowException, OSError) as error:
        logger.warning("What changed in %s is not counted: %s", previous.uri, error)
        return {}
    return {
        "rows_added": changes.added,
        "rows_changed": changes.changed,
        "rows_removed": changes.removed,
    }
