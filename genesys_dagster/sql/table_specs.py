"""The flat tables: what makes each of them."""

from __future__ import annotations

from dataclasses import dataclass

from genesys_dagster.lazy import pa
from genesys_dagster.records.field import Columns
from genesys_dagster.sql import load
from genesys_dagster.sql.columns import tables


@dataclass(frozen=True)
class TableSpec:
    """What makes one table.

    Attributes:
        name: Asset key, and the name of its statement in `sql/tables`.
        columns: Its columns.
        description: What a row is and what to use it for.
    """

    name: str
    columns: Columns
    description: str

    @property
    def schema(self) -> pa.Schema:
        """Its Arrow schema."""
        return self.columns.schema

    @property
    def statement(self) -> str:
        """The SELECT statement that makes it from `conversation_details`."""
        return load("tables", self.name)


SPECS = (
    TableSpec(
        "conversations",
        tables.CONVERSATIONS,
        "One row per conversation: start and end, direction, divisions, lowest audio quality, and how many "
        "participants, evaluations and surveys it has. A conversation without `conversation_end` is still open.",
    ),
    TableSpec(
        "participants",
        tables.PARTICIPANTS,
        "One row per participant of a conversation: customers, agents, queues (`acd`), flows (`ivr`) and others.",
    ),
    TableSpec(
        "sessions",
        tables.SESSIONS,
        "One row per session of a participant, each a connection over one channel, with the participant's purpose "
        "and user, and the queue.",
    ),
    TableSpec(
        "segments",
        tables.SEGMENTS,
        "One row per segment of a session, a stretch of time with one activity (`alert`, `interact`, `hold`, "
        "`wrapup` …), with what it needs of its session and participant to be read alone.",
    ),
    TableSpec(
        "session_metrics",
        tables.SESSION_METRICS,
        "One row per metric value that a session emitted, such as `tTalk` or `nTransferred`, with queue, channel, "
        "purpose and user. Names beginning with `t` are milliseconds, with `n` and `o` numbers.",
    ),
    TableSpec(
        "participant_attributes",
        tables.PARTICIPANT_ATTRIBUTES,
        "One row per attribute that flows, scripts and integrations set on a participant. Comes from bulk jobs "
        "only: a day pulled by the interactive query has none.",
    ),
    TableSpec(
        "evaluations",
        tables.EVALUATIONS,
        "One row per quality evaluation of a conversation. Evaluations arrive days after it.",
    ),
    TableSpec(
        "surveys",
        tables.SURVEYS,
        "One row per customer survey about a conversation. Surveys are answered days after it.",
    ),
)
