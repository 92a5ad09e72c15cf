"""Rows of a partition brought up to date by newer rows of some of its conversations."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.records.schema import CONVERSATION_SCHEMA

_START, _ID = "conversationStart", "conversationId"


def updated(stored: Iterable[pa.Table], newer: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the stored rows, each newer row in the place of the one with its id, others where their start belongs.

    Args:
        stored: Rows of `CONVERSATION_SCHEMA` in order of their start, in pieces.
        newer: Rows of the same schema, each conversation once.

    Yields:
        Batches of rows. Where `stored` was not in order, an id may come twice: the first is the newer one
        (`Selection` keeps the first).
    """
    waiting = newer.sort_by(_START)
    for piece in stored:
        if not piece.num_rows:
            continue
        is_due = pc.fill_null(pc.less_equal(waiting[_START], pc.max(piece[_START])), True)
        due, waiting = waiting.filter(is_due), waiting.filter(pc.invert(is_due))
        yield _batch(_with(piece, due) if due.num_rows else piece)
    if waiting.num_rows:
        yield _batch(waiting)


def newest(pieces: Iterable[pa.Table]) -> pa.Table:
    """Return the rows of all pieces, each conversation once: as the last piece has it that has it."""
    rows = pa.concat_tables([CONVERSATION_SCHEMA.empty_table(), *pieces]).combine_chunks()
    last = {identity: place for place, identity in enumerate(rows[_ID].to_pylist())}
    return rows.take(pa.array(last.values(), pa.int64()))


def _with(piece: pa.Table, due: pa.Table) -> pa.Table:
    """One piece with the rows that are due in it."""
    place = pc.index_in(piece[_ID], value_set=due[_ID].combine_chunks())
    own = pa.array(range(piece.num_rows), pa.int32())
    order = pc.if_else(pc.is_valid(place), pc.add(place, piece.num_rows), own)
    both = pa.concat_tables([piece, due]).combine_chunks()
    new = due.filter(pc.invert(pc.is_in(due[_ID], value_set=piece[_ID].combine_chunks())))
    replaced = both.take(order)
    return pa.concat_tables([replaced, new]).sort_by(_START) if new.num_rows else replaced


def _batch(rows: pa.Table) -> pa.RecordBatch:
    (batch,) = rows.combine_chunks().to_batches()
    return batch
