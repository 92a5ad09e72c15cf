"""What the performance figures are: their columns, and the rules of the service level. No Dagster assets here."""
