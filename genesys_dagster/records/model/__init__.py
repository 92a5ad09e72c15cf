"""The fields of a conversation detail record, one module per level, with the API's names and order."""
