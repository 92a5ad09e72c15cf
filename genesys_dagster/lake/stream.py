"""What our assets return: rows that are made while they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from genesys_dagster.lazy import pa, pd

if TYPE_CHECKING:
    from genesys_dagster.lake.terms import Terms

    Frame: TypeAlias = pd.DataFrame | pa.RecordBatch | pa.Table


class Watcher(Protocol):
    """Looks at the rows of an object on their way to it."""

    def see(self, rows: pa.Table) -> None:
        """Look at some rows, in the schema of the object and in its order."""

    def stored(self, etag: str) -> None:
        """Be told that the object lies there, by the store's own word byte for byte, and under which ETag."""


@dataclass
class FrameStream:
    """Data frames that are made while they are written.

    Attributes:
        schema: The schema of the object, also if no frame comes. `nullable=False` is kept. Field
            metadata `description` and `personal` (`true`) reach Dagster's column schema and preview.
        frames: Iterated once. If it has a `close` method (generators do), that is called in every
            case, once or more: after the last frame, after an error, after an interrupt.
        metadata: Called once, when the frames are exhausted and before the object is committed:
            Dagster metadata to add.
        terms: On which terms the rows take the place of what is stored; None for any, as long as
            nobody else replaces it in the meantime.
        watcher: Looks at the rows while they are written.
        rows_per_row_group: Rows at which a row group ends; None for the IO manager's number, which suits large rows.
        text_statistics: Whether columns of texts have statistics in Parquet, by which readers pass over row groups; of
            no use where texts are ids in no order.
    """

    schema: pa.Schema
    frames: Iterable[Frame]
    metadata: Callable[[], Mapping[str, Any]] = dict
    terms: Terms | None = None
    watcher: Watcher | None = None
    rows_per_row_group: int | None = None
    text_statistics: bool = True
