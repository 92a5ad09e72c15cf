"""A window of the API as typed batches: `genesys` and `records` meet here, and whether a version may be committed."""
