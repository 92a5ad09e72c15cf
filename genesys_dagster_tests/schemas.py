"""Arrow's schemas of the tables and figures, for what tests write and read."""

from genesys_dagster.sql.columns import agents_time, figures, tables

CONVERSATIONS = tables.CONVERSATIONS.schema
SESSION_METRICS = tables.SESSION_METRICS.schema
QUEUE_PERFORMANCE = figures.QUEUE_PERFORMANCE.schema
QUEUE_PERFORMANCE_WEEKLY = figures.QUEUE_PERFORMANCE_WEEKLY.schema
AGENT_PERFORMANCE = figures.AGENT_PERFORMANCE.schema
AGENT_STATUS = agents_time.AGENT_STATUS.schema
AGENT_STATUS_DAILY = agents_time.AGENT_STATUS_DAILY.schema
