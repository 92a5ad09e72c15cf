"""Which fields of the record belong to which table."""

from genesys_dagster.records.field import Columns
from genesys_dagster.records.model.conversation import CONVERSATION
from genesys_dagster.records.model.participant import PARTICIPANT
from genesys_dagster.records.model.quality import EVALUATION, SURVEY
from genesys_dagster.records.model.segment import SEGMENT
from genesys_dagster.records.model.session import SESSION, SESSION_METRIC

_SESSIONS = ("participants", "sessions")

_LEVELS = {
    "conversations": (CONVERSATION, {"participants", "evaluations", "surveys"}, ()),
    "participants": (PARTICIPANT, {"sessions", "attributes"}, ("participants",)),
    "sessions": (SESSION, {"metrics", "segments"}, _SESSIONS),
    "segments": (SEGMENT, set(), (*_SESSIONS, "segments")),
    "session_metrics": (SESSION_METRIC, set(), (*_SESSIONS, "metrics")),
    "evaluations": (EVALUATION, set(), ("evaluations",)),
    "surveys": (SURVEY, set(), ("surveys",)),
}
LEVELS = {name: (Columns(fields).schema, own, way) for name, (fields, own, way) in _LEVELS.items()}
"""Table to the fields of its level, those of them that have a table of their own, and the way to the level."""
