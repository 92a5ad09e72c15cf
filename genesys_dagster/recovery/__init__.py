"""The instance's database is lost and the lake is there: the state of days, found again from the objects."""
