"""The contact centre report: figures of the last weeks, as charts and tables on one HTML page.

One direction: `figures` adds up rows, `window` says of which days, `charts` and `tables` draw, `page` puts together.
Only `io_manager` knows Dagster and S3.
"""

DAYS = 30
"""How many days it is about."""
