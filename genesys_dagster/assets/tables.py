"""The flat tables: each day of `conversation_details`, unnested into one table per level of the record."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM
from genesys_dagster.assets.define import daily, made_by
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lazy import ds
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.sql.table_specs import SPECS, TableSpec

if TYPE_CHECKING:
    from genesys_dagster.sql.origins import Origins

UPSTREAM = "conversation_details"
# Of a few hundred bytes each, a twentieth of a conversation.
_ROWS_PER_ROW_GROUP = 50_000


def tables(org: Org) -> list[dg.AssetsDefinition]:
    """The assets, for an org."""
    return [_table(org, spec) for spec in SPECS]


def _table(org: Org, table: TableSpec) -> dg.AssetsDefinition:
    spec = made_by(org, table.name, table.description, table.columns, FOLLOW_UPSTREAM, table.statement)

    @daily(org, spec, ins={"days": dg.AssetIn(org.key(UPSTREAM))})
    def rows(days: dict[str, ds.Dataset]) -> dg.Output[Any]:
        # A partition each, also where the run is for one, because a range in one run is written day by day.
        return each(days, lambda day: compute(org, table, days[day]))

    return rows


def each(days: Iterable[str], compute: Callable[[str], FrameStream]) -> dg.Output[Any]:
    """One value for a run of one partition, pairs of partition and value for a run of several."""
    streams = [(day, compute(day)) for day in days]
    return dg.Output(streams[0][1] if len(streams) == 1 else streams)


def compute(org: Org, spec: TableSpec, conversation_details: ds.Dataset) -> FrameStream:
    """The rows of a table, computed while they are read.

    Args:
        org: Whose.
        spec: The table.
        conversation_details: Parquet objects of conversations, of any age.
    """
    from genesys_dagster.sql.unfold import unfolded

    found = origins_of(spec)
    return FrameStream(
        spec.schema,
        unfolded(spec, found, CONVERSATION_COLUMNS.schema, conversation_details),
        metadata=lambda: lineage_metadata(org.key, found.columns),
        rows_per_row_group=_ROWS_PER_ROW_GROUP,
        text_statistics=False,
    )


@cache
def origins_of(spec: TableSpec) -> "Origins":
    """What a table's columns and rows are made of."""
    # sqlglot takes a third of a second to import, and only a run of a table needs it.
    from genesys_dagster.sql.origins import origins

    return origins(spec.statement, spec.schema.names, {UPSTREAM: CONVERSATION_COLUMNS.names})
