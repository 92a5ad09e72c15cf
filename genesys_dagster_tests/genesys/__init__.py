"""Tests of the Genesys Cloud client."""
