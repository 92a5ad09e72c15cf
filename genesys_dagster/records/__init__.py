"""What a conversation is: its schema, and how answers of the API become typed rows. No network, no Dagster."""
