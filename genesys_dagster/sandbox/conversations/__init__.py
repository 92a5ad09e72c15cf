"""Conversations made up one at a time, a module per way of contact.

Each builder takes a `Draft` and writes the whole life of one conversation into it, from the first ring
to the late evaluation; `genesys_dagster.sandbox.as_of` cuts off what has not happened yet.
"""
