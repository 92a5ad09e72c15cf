"""Genesys Cloud over HTTP: login, rate limit, retries, paging and conversation detail pages.

Nothing in this package knows Dagster, Arrow or S3. Facts about the Genesys Cloud API belong here, each beside the
public source it comes from.
"""
