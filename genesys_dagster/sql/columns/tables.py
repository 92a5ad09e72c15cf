"""The columns of the flat tables: the record's fields under names in snake_case, the keys, and a few of the parents'.

Types, descriptions and flags of the record's fields come from `records/model`, so a field has one definition. Which
fields of a level become which columns is said here; where their values come from, in `tables/*.sql`.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from genesys_dagster.records.columns import UNKNOWN_FIELDS
from genesys_dagster.records.field import Columns, Field, Kind, ListOf, Struct, choice, count, reference, text
from genesys_dagster.records.model.conversation import CONVERSATION
from genesys_dagster.records.model.participant import PARTICIPANT
from genesys_dagster.records.model.quality import EVALUATION, SURVEY
from genesys_dagster.records.model.segment import SEGMENT
from genesys_dagster.records.model.session import SESSION, SESSION_METRIC


def snake_case(name: str) -> str:
    """The name of an API field as a column: `q850ResponseCodes` becomes `q850_response_codes`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _column(field: Field) -> Field:
    """A field under its column name, and so everything nested in it."""
    return replace(field, name=snake_case(field.name), type=_renamed(field.type))


def _renamed(kind: Kind) -> Kind:
    match kind:
        case Struct():
            return Struct(tuple(_column(member) for member in kind.fields))
        case ListOf():
            return ListOf(_renamed(kind.items))
        case _:
            return kind


def _columns(fields: Iterable[Field], without: Collection[str] = ()) -> list[Field]:
    return [_column(field) for field in fields if field.name not in without]


def _parents(fields: Iterable[Field], *names: str) -> list[Field]:
    """Fields of a level above, repeated in each row below it."""
    by_name = {field.name: field for field in fields}
    return [_column(by_name[name]) for name in names]


def _position(name: str, of: str) -> Field:
    return count(name, f"Position of the {of}, as in the record, from 0 on: part of the key.").required()


def _number_of(name: str, what: str) -> Field:
    return count(name, f"Number of {what}; null where the record says nothing of them.")


_CONVERSATION_ID = _parents(CONVERSATION, "conversationId")
_CONVERSATION_START = _parents(CONVERSATION, "conversationStart")
_CONVERSATION_PARENTS = _parents(CONVERSATION, "conversationStart", "originatingDirection")
_PARTICIPANT_KEY = [
    *_CONVERSATION_ID,
    _position("participant_index", "participant in the conversation"),
    *_parents(PARTICIPANT, "participantId"),
]
_PARTICIPANT_PARENTS = [*_CONVERSATION_PARENTS, *_parents(PARTICIPANT, "purpose", "userId")]
_SESSION_KEY = [
    *_PARTICIPANT_KEY,
    _position("session_index", "session among those of the participant"),
    *_parents(SESSION, "sessionId"),
]
_SESSION_PARENTS = [*_PARTICIPANT_PARENTS, *_parents(SESSION, "mediaType", "direction")]

CONVERSATIONS = Columns(
    [
        *_CONVERSATION_ID,
        *_columns(CONVERSATION, {"conversationId", "participants", "evaluations", "surveys"}),
        _number_of("participant_count", "participants"),
        _number_of("evaluation_count", "quality evaluations"),
        _number_of("survey_count", "surveys"),
        _column(UNKNOWN_FIELDS),
    ]
)

PARTICIPANTS = Columns(
    [
        *_PARTICIPANT_KEY,
        *_CONVERSATION_PARENTS,
        *_columns(PARTICIPANT, {"participantId", "sessions", "attributes"}),
        _number_of("session_count", "sessions of the participant"),
        _number_of("attribute_count", "participant attributes"),
    ]
)

SESSIONS = Columns(
    [
        *_SESSION_KEY,
        *_PARTICIPANT_PARENTS,
        reference(
            "queue_id",
            "Queue of the session: the one that its segments name; null if they name none or several.",
        ),
        *_columns(SESSION, {"sessionId", "metrics", "segments"}),
        _number_of("metric_count", "metric values of the session"),
        _number_of("segment_count", "segments of the session"),
    ]
)

SEGMENTS = Columns(
    [
        *_SESSION_KEY,
        _position("segment_index", "segment in the session"),
        *_SESSION_PARENTS,
        *_columns(SEGMENT),
    ]
)

SESSION_METRICS = Columns(
    [
        *_SESSION_KEY,
        _position("metric_index", "metric value among those of the session"),
        *_SESSION_PARENTS,
        reference(
            "queue_id",
            "Queue of the session when the metric was emitted, as Genesys Cloud counts it; null if it has none.",
        ),
        *_columns(SESSION_METRIC),
    ]
)

PARTICIPANT_ATTRIBUTES = Columns(
    [
        *_PARTICIPANT_KEY,
        *_CONVERSATION_START,
        *_parents(PARTICIPANT, "purpose"),
        choice("key", "Name of the attribute, chosen by whoever set it.").required(),
        text("value", "Value of the attribute.", personal=True),
    ]
)

EVALUATIONS = Columns(
    [
        *_CONVERSATION_ID,
        _position("evaluation_index", "evaluation in the conversation"),
        *_CONVERSATION_START,
        *_columns(EVALUATION),
    ]
)

SURVEYS = Columns(
    [
        *_CONVERSATION_ID,
        _position("survey_index", "survey in the conversation"),
        *_CONVERSATION_START,
        *_columns(SURVEY),
    ]
)
