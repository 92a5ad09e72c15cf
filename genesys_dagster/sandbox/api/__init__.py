"""The org over HTTP: a module per group of endpoints, and `app` that puts them together.

Paths, fields, limits and error texts follow the public API definition; where that is silent the module
says so.
"""
