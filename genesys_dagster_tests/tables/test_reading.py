"""Every snippet of docs/reading.md does what the page says, on a day of the sandbox org in a local S3."""

import re
import runpy
import sys
from collections import defaultdict
from pathlib import Path

import boto3
import dagster as dg
import duckdb
import polars as pl
import pytest

from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql.athena import create_table
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import PARTITIONS
from genesys_dagster_tests.tables.java import java_home

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
SCHEMAS = {"conversation_details": CONVERSATION_SCHEMA} | {spec.name: spec.schema for spec in SPECS}


def snippets(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def on_the_day(exported, monkeypatch):
    """Puts the day and bucket of the tests into a snippet; the environment has their credentials."""
    for name, value in exported.variables.items():
        monkeypatch.setenv(name, value)
    bucket = exported.variables["GENESYS_S3_BUCKET"]
    return lambda snippet: snippet.replace("2026-11-20", str(DAY)).replace("s3://my-lake/", f"s3://{bucket}/")


@pytest.fixture
def expected(exported):
    """The answer to the page's question, by hand."""
    talk = defaultdict(list)
    for row in exported.stored("session_metrics").to_pylist():
        if (row["name"], row["media_type"], row["purpose"]) == ("tTalkComplete", "voice", "agent"):
            talk[row["queue_id"]].append(row["value"])
    assert len(talk) > 3
    return {queue: (len(found), sum(found) / len(found) / 1000) for queue, found in talk.items()}


def answers(rows):
    return {row["queue_id"]: (row["calls"], pytest.approx(row["talk_seconds"], abs=0.06)) for row in rows}


def run(snippet, names):
    exec(compile(snippet, "docs/reading.md", "exec"), names)
    return names


def rows_of(value):
    if isinstance(value, duckdb.DuckDBPyRelation):
        value = value.to_arrow_table()
    return value.to_dict("records") if hasattr(value, "iloc") else _python(value)


def _python(value):
    return value.to_pylist() if hasattr(value, "to_pylist") else value.to_dicts()


ASKED = [snippet for snippet in snippets("python") if "talk = " in snippet]


def test_the_question_is_answered_in_every_way_that_the_page_names():
    libraries = ("import duckdb", "import polars", "import pandas", "import pyarrow.compute")
    assert [any(library in snippet for snippet in ASKED) for library in libraries] == [True] * 4


@pytest.mark.parametrize("snippet", ASKED, ids=range(len(ASKED)))
def test_every_library_gives_the_answer(snippet, on_the_day, expected):
    talk = run(on_the_day(snippet), {})["talk"]
    assert expected == answers(rows_of(talk))


@pytest.fixture
def on_a_copy(exported, on_the_day, tmp_path):
    """Puts the day and a copy of the lake into a snippet, for what cannot reach S3 without code from the network."""
    bucket = exported.variables["GENESYS_S3_BUCKET"]
    on_the_day("")
    s3 = boto3.Session().client("s3")
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        (tmp_path / item["Key"]).parent.mkdir(parents=True)
        s3.download_file(bucket, item["Key"], str(tmp_path / item["Key"]))
    return lambda snippet: re.sub(r"s3a?://[^/]+", str(tmp_path), on_the_day(snippet))


def test_duckdbs_sql_gives_the_answer_from_the_table_and_from_the_record(on_a_copy, expected):
    """DuckDB's `httpfs` comes from the network."""
    statements = [on_a_copy(snippet) for snippet in snippets("sql")]
    assert len(statements) == 2
    for statement in statements:
        assert expected == answers(rows_of(duckdb.sql(statement)))


def test_the_setup_of_duckdb_is_sql_that_it_reads():
    (setup,) = snippets("sql setup")
    assert len(duckdb.extract_statements(setup)) == 3


def test_the_other_snippets_run_and_find_something(on_the_day):
    names = {}
    for snippet in snippets("python"):
        run(on_the_day(snippet), names)
    assert "ani" in names["personal"]
    assert set(names["described"]) == set(SCHEMAS["sessions"].names)
    assert all(names["described"].values())
    abandoned = rows_of(names["abandoned"])
    assert abandoned
    assert all(row["waited_seconds"] > 0 and row["left_at"] for row in abandoned)


def test_the_asset_of_the_page_is_an_asset():
    (snippet,) = snippets("python dagster")
    names = run(snippet, {"dg": dg, "pl": pl, "PARTITIONS": PARTITIONS})
    assert {dep.asset_key.to_user_string() for spec in names["talk"].specs for dep in spec.deps} == {
        "session_metrics"
    }


@pytest.fixture
def spark(monkeypatch, tmp_path):
    """A Spark session in this process's own Java, which talks to nobody but this machine."""
    from pyspark.sql import SparkSession

    if home := java_home(tmp_path):
        monkeypatch.setenv("JAVA_HOME", home)
    here = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master("local[1]").config(map=here | {"spark.ui.enabled": "false"})
    with builder.getOrCreate() as session:
        yield session


@pytest.mark.slow
@pytest.mark.spark
def test_spark_gives_the_answer_and_reads_the_nested_record(spark, on_a_copy, expected, exported):
    """Its connector to S3 comes from the network."""
    (snippet,) = snippets("python spark")
    talk = run(on_a_copy(snippet), {"spark": spark})["talk"].collect()
    assert expected == answers([row.asDict() for row in talk])
    records = spark.read.parquet(on_a_copy("s3a://my-lake/genesys/conversation_details"))
    sessions = records.selectExpr("explode(participants) AS p").selectExpr("explode(p.sessions) AS s")
    assert sessions.count() == len(exported.stored("sessions"))


def test_the_athena_statement_is_the_one_that_the_command_writes(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "genesys_dagster.sql.athena")
    monkeypatch.setattr(sys, "argv", ["athena", "session_metrics", "s3://my-lake/genesys"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("genesys_dagster.sql.athena", run_name="__main__")
    assert snippets("sql athena")[0] == capsys.readouterr().out.rstrip() + ";\n"


def test_no_comment_of_an_athena_table_ends_early():
    for name, schema in SCHEMAS.items():
        for line in (
            create_table(name, schema, "s3://my-lake/genesys").partition(")\nPARTITIONED")[0].split("\n")
        ):
            assert line.count("'") in {0, 2}


@pytest.mark.parametrize("name", SCHEMAS)
def test_athenas_tables_have_all_columns_under_their_names(name):
    statement = create_table(name, SCHEMAS[name], "s3://my-lake/genesys/")
    assert re.findall(r"^  `(\w+)` ", statement, re.MULTILINE) == SCHEMAS[name].names
    assert f"LOCATION 's3://my-lake/genesys/{name}/'" in statement
    assert f"'s3://my-lake/genesys/{name}/date=${{date}}/'" in statement


def test_every_table_of_the_page_exists_with_the_keys_it_says():
    named = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*) \|$", PAGE, re.MULTILINE))
    assert set(named) == set(SCHEMAS) - {"conversation_details"}
    for name, key in named.items():
        assert set(re.findall(r"`(\w+)`", key)) <= set(SCHEMAS[name].names)
