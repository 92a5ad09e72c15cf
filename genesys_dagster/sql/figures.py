"""The rows of partitions of performance figures, those of before told apart."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from genesys_dagster.sql.columns.figures import OF_PARTITION


def is_whole_day(schema: pa.Schema) -> bool:
    """Whether a partition with this schema holds all that counts on its day.

    Those of before held what the conversations of the day did, on whichever day, and no older conversations.
    """
    return OF_PARTITION["partition"].encode() == (schema.field("day").metadata or {}).get(b"partition")


def rows_of_days(days: Mapping[str, ds.Dataset], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of some days, each from its own partition, so that one of before counts nothing twice.

    Args:
        days: Partition key to rows.
        columns: Those to read, `day` among them.
    """
    for key, rows in sorted(days.items()):
        day = pa.scalar(date.fromisoformat(key), pa.date32())
        yield from rows.to_batches(columns=list(columns), filter=pc.field("day") == day)
