"""The flat tables: each day of `conversation_details`, unnested into one table per level of the record."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM
from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.metadata import column_schema
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql import code_version, load, schemas
from genesys_dagster.sql.engine import query
from genesys_dagster.sql.narrow import narrowed, needed

if TYPE_CHECKING:
    from genesys_dagster.sql.origins import Origins

UPSTREAM = "conversation_details"


@dataclass(frozen=True)
class TableSpec:
    """What makes one table.

    Attributes:
        name: Asset key, and the name of its statement in `sql/tables`.
        schema: Its columns.
        description: What a row is and what to use it for.
        has_personal_data: Whether a column can identify a person.
    """

    name: str
    schema: pa.Schema
    description: str
    has_personal_data: bool = True

    @property
    def statement(self) -> str:
        """The SELECT statement that makes it from `conversation_details`."""
        return load("tables", self.name)


SPECS = (
    TableSpec(
        "conversations",
        schemas.CONVERSATIONS,
        "One row per conversation: start and end, direction, divisions, lowest audio quality, and how many "
        "participants, evaluations and surveys it has. A conversation without `conversation_end` is still open.",
    ),
    TableSpec(
        "participants",
        schemas.PARTICIPANTS,
        "One row per participant of a conversation: customers, agents, queues (`acd`), flows (`ivr`) and others.",
    ),
    TableSpec(
        "sessions",
        schemas.SESSIONS,
        "One row per session of a participant, each a connection over one channel, with the participant's purpose "
        "and user, and the queue.",
    ),
    TableSpec(
        "segments",
        schemas.SEGMENTS,
        "One row per segment of a session, a stretch of time with one activity (`alert`, `interact`, `hold`, "
        "`wrapup` …), with what it needs of its session and participant to be read alone.",
    ),
    TableSpec(
        "session_metrics",
        schemas.SESSION_METRICS,
        "One row per metric value that a session emitted, such as `tTalk` or `nTransferred`, with queue, channel, "
        "purpose and user. Names beginning with `t` are milliseconds, with `n` and `o` numbers.",
        has_personal_data=False,
    ),
    TableSpec(
        "participant_attributes",
        schemas.PARTICIPANT_ATTRIBUTES,
        "One row per attribute that flows, scripts and integrations set on a participant. Comes from bulk jobs "
        "only: a day pulled by the interactive query has none.",
    ),
    TableSpec(
        "evaluations",
        schemas.EVALUATIONS,
        "One row per quality evaluation of a conversation. Evaluations arrive days after it.",
        has_personal_data=False,
    ),
    TableSpec(
        "surveys",
        schemas.SURVEYS,
        "One row per customer survey about a conversation. Surveys are answered days after it.",
        has_personal_data=False,
    ),
)


def _table(spec: TableSpec) -> dg.AssetsDefinition:
    @dg.asset(
        name=spec.name,
        partitions_def=PARTITIONS,
        io_manager_key="s3_parquet_io_manager",
        group_name="tables",
        kinds={"duckdb", "parquet"},
        owners=["team:data-engineering"],
        tags={"pii": ""} if spec.has_personal_data else {},
        description=spec.description,
        metadata={"dagster/column_schema": column_schema(spec.schema)},
        code_version=code_version(spec.statement),
        automation_condition=FOLLOW_UPSTREAM,
        retry_policy=RETRY_AFTER_OUTAGE,
    )
    def table(conversation_details: dict[str, ds.Dataset]) -> dg.Output[Any]:
        # A partition each, also where the run is for one, because a range in one run is written day by day.
        days = [(key, compute(spec, day)) for key, day in conversation_details.items()]
        return dg.Output(days[0][1] if len(days) == 1 else days)

    return table


def compute(spec: TableSpec, conversation_details: ds.Dataset) -> FrameStream:
    """The rows of a table, computed while they are read.

    Args:
        spec: The table.
        conversation_details: Parquet objects of conversations, of any age.
    """
    found = origins_of(spec)
    upstream = narrowed(conversation_details, needed(CONVERSATION_SCHEMA, found.all()))
    return FrameStream(
        spec.schema,
        query(spec.statement, {UPSTREAM: upstream}, spec.schema),
        metadata=lambda: lineage_metadata(found.columns),
    )


@cache
def origins_of(spec: TableSpec) -> "Origins":
    """What a table's columns and rows are made of."""
    # sqlglot takes a third of a second to import, and only a run of a table needs it.
    from genesys_dagster.sql.origins import origins

    return origins(spec.statement, spec.schema.names, {UPSTREAM: CONVERSATION_SCHEMA.names})


TABLES = [_table(spec) for spec in SPECS]
