"""Tests of the flat tables, the SQL engine behind them, column lineage, and the ways to read the lake."""
