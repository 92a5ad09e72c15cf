"""Tests of the room `genesys_dagster.records`."""
