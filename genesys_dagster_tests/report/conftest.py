"""Performance figures made up day by day, and the report over them."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.dataset as ds

from genesys_dagster.report.window import AGENT_COLUMNS, QUEUE_COLUMNS, ReportData, Window, rows
from genesys_dagster_tests.schemas import AGENT_PERFORMANCE, QUEUE_PERFORMANCE

LAST = date(2026, 5, 12)
"""A Tuesday."""


def back(days):
    """The day that many days before the last."""
    return LAST - timedelta(days=days)


def queue_row(day=LAST, half_hour="09:00", queue="sales", name="Sales", medium="voice", **figures):
    """A row of `queue_performance`, zero where nothing is said."""
    counts = {field.name: 0 for field in QUEUE_PERFORMANCE if pa.types.is_primitive(field.type)}
    del counts["interval_start"]
    return {
        **counts,
        "day": day,
        "half_hour": half_hour,
        "queue_id": queue,
        "queue_name": name,
        "media_type": medium,
        "direction": "inbound",
        "target_seconds": 20.0,
        **figures,
    }


def agent_row(day=LAST, user="u1", **figures):
    """A row of `agent_performance`, zero where nothing is said."""
    counts = {field.name: 0 for field in AGENT_PERFORMANCE if pa.types.is_primitive(field.type)}
    return {**counts, "day": day, "user_id": user, "user_name": "A Person", "media_type": "voice", **figures}


def partitions(rows_of_days, schema):
    """A data set for each day; a day whose rows are empty is there, one that is not named is absent."""
    return {
        str(day): ds.dataset(pa.Table.from_pylist(listed, schema=schema))
        for day, listed in rows_of_days.items()
    }


def report_data(queues, agents=None):
    """The report's data of rows by the day of their partition."""
    queue_days = partitions(queues, QUEUE_PERFORMANCE)
    agent_days = partitions(agents or {}, AGENT_PERFORMANCE)
    window = Window.of(queue_days)
    return ReportData(
        window, rows(queue_days, QUEUE_COLUMNS, window), rows(agent_days, AGENT_COLUMNS, window)
    )
