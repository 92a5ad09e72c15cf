"""The README's SQL runs on the tables as they are, and the errors that it explains are sentences of the code."""

import ast
import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from genesys_dagster_tests.schemas import (
    AGENT_STATUS_DAILY,
    CONVERSATIONS,
    QUEUE_PERFORMANCE,
    SESSION_METRICS,
)

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SQL = re.findall(r"^```sql\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TABLES = {
    "queue_performance": QUEUE_PERFORMANCE,
    "conversations": CONVERSATIONS,
    "session_metrics": SESSION_METRICS,
    "agent_status_daily": AGENT_STATUS_DAILY,
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
    assert len(statements) == 3
    for statement in statements:
        assert duckdb.sql(statement.replace("s3://my-lake/genesys", str(lake))).fetchall() == []


ROWS = re.findall(r"^\| `([^`]+)` \|", README.partition("## When something goes wrong")[2], re.MULTILINE)
HOLE = "\0"


def sentences():
    """Every text of the code, with holes where values are filled in; docstrings say nothing to users."""
    for path in (Path(__file__).parents[1] / "genesys_dagster").rglob("*.py"):
        if "sandbox" not in path.parts:
            yield from texts(ast.parse(path.read_text(encoding="utf-8")))


def texts(tree):
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(each.value if isinstance(each, ast.Constant) else HOLE for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield re.sub(r"\{[^}]*\}", HOLE, node.value)


SENTENCES = list(sentences())


def says(row):
    pieces = [re.escape(piece.strip()) for piece in row.split("…")]
    pattern = re.compile(f"[^.]*{HOLE}[^.]*".join(pieces))
    return any(pattern.search(each) for each in SENTENCES)


def test_the_table_of_errors_is_read():
    assert len(ROWS) > 10


@pytest.mark.parametrize("row", ROWS)
def test_every_error_that_is_explained_is_a_sentence_of_the_code(row):
    assert says(row)


@pytest.mark.parametrize("row", ["the OAuth client id or secret is wrong", "data is complete only up to …"])
def test_what_the_code_does_not_say_is_found(row):
    assert not says(row)
