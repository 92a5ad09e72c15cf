"""What the Dagster instance remembers of an org: past pulls, jobs under way, notes, what is wanted."""
