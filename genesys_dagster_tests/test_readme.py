"""The README's SQL runs on the tables as they are."""

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from genesys_dagster.performance.schema import QUEUE_PERFORMANCE
from genesys_dagster.sql.schemas import CONVERSATIONS, SESSION_METRICS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SQL = re.findall(r"^```sql\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TABLES = {
    "queue_performance": QUEUE_PERFORMANCE,
    "conversations": CONVERSATIONS,
    "session_metrics": SESSION_METRICS,
}


@pytest.fixture
def lake(tmp_path):
    for name, schema in TABLES.items():
        folder = tmp_path / name / "date=2026-11-20"
        folder.mkdir(parents=True)
        pq.write_table(schema.empty_table(), folder / "data.parquet")
    return tmp_path


def test_every_statement_runs_on_the_schemas_of_the_tables(lake):
    statements = [each for block in SQL for each in block.split(";") if each.strip()]
    assert len(statements) == 2
    for statement in statements:
        assert duckdb.sql(statement.replace("s3://my-lake/genesys", str(lake))).fetchall() == []
