"""Two orgs in one code location."""
