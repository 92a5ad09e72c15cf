"""The columns of a conversation detail record, the same for every day, source and page."""

from genesys_dagster.records.field import Columns, text
from genesys_dagster.records.model.conversation import CONVERSATION

UNKNOWN_FIELDS = text(
    "unknownFields",
    "JSON object, path to value, of everything in the record that the columns cannot hold as it was sent: "
    "fields that the schema does not know yet and values that do not have the declared type.",
    personal=True,
)

CONVERSATION_COLUMNS = Columns([*CONVERSATION, UNKNOWN_FIELDS])
"""One row per conversation: the API's names and nesting, and `unknownFields` as the last column."""
