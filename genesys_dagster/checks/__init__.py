"""What must hold for each partition of `conversation_details`: one module per theme, all of them in `all_checks`."""
