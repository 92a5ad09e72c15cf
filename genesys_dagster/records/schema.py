"""The one Arrow schema of a conversation detail record."""

import pyarrow as pa

from genesys_dagster.records.columns import CONVERSATION_COLUMNS

CONVERSATION_SCHEMA: pa.Schema = CONVERSATION_COLUMNS.schema
