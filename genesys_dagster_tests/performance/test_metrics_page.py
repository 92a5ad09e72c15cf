"""`docs/metrics.md` and the columns are the same story, and its statement runs."""

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster_tests.performance.conftest import figures_of_queues, metric
from genesys_dagster_tests.schemas import AGENT_PERFORMANCE, QUEUE_PERFORMANCE

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_statement_gives_the_figures_of_a_day(tmp_path):
    rows = figures_of_queues([metric("nOffered"), metric("nOffered", at="15:00"), metric("tAnswered", 5_000)])
    pq.write_table(pa.Table.from_pylist(rows, schema=QUEUE_PERFORMANCE), tmp_path / "day.parquet")
    statement = re.sub(r"'s3://[^']*'", f"'{tmp_path}/*.parquet'", block("sql"))
    assert duckdb.sql(statement).fetchall() == [("Sales", 2, 1.0, 0.0, None)]


def test_the_configuration_that_is_shown_is_one():
    shown = yaml.safe_load(block("yaml"))["ops"]["queue_performance"]["config"]
    parameters = ServiceLevelConfig(**shown).parameters()
    assert parameters["target_seconds"] == 30
    assert parameters["media_types"] == ["email"]


def test_every_column_of_figures_is_explained():
    keys = {
        "interval_start",
        "day",
        "half_hour",
        "queue_id",
        "queue_name",
        "user_id",
        "user_name",
        "media_type",
        "direction",
    }
    named = set(re.findall(r"`([a-z0-9_]+)…?`", PAGE))
    for schema in (QUEUE_PERFORMANCE, AGENT_PERFORMANCE):
        for name in set(schema.names) - keys:
            stem = re.sub(r"(_mean|_median|_p95)$", "", name)
            assert stem in named or f"{stem.split('_')[0]}_" in named, name
