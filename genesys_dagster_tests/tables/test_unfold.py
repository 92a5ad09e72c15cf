"""Tables unfolded by Arrow have the rows that DuckDB makes of their statements, and the same bytes."""

import io

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.assets.tables import UPSTREAM, compute, origins_of
from genesys_dagster.lake.frames import tables
from genesys_dagster.lake.parquet import ParquetEncoder, ParquetSettings
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql.engine import query
from genesys_dagster.sql.narrow import narrowed, needed
from genesys_dagster.sql.origin import OriginError
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster.sql.unfold_plan import Count, Member, Position, plan
from genesys_dagster_tests.default_org import ORG
from genesys_dagster_tests.records.conversations import page, records
from genesys_dagster_tests.tables.rebuild import computed, written

_few = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
_CODED = {"conversation_id", "participant_id", "session_id", "purpose", "media_type", "direction", "user_id"}


def by_duckdb(spec, day):
    rows = narrowed(day, needed(CONVERSATION_SCHEMA, origins_of(spec).all()))
    return pa.Table.from_batches(query(spec.statement, {UPSTREAM: rows}, spec.schema), spec.schema)


def encoded(spec, day, *, coded, **limits):
    sink = io.BytesIO()
    with ParquetEncoder(sink, spec.schema, ParquetSettings(**limits)) as encoder:
        for table in tables(compute(ORG, spec, day), coded=coded):
            encoder.write(table)
        encoder.finish({"said": "something"})
    return sink.getvalue()


@_few
@given(drawn=st.lists(records(), min_size=1, max_size=12))
def test_the_rows_are_those_of_the_statement_in_its_order(drawn, tmp_path_factory):
    day, _ = written(tmp_path_factory.mktemp("day") / "data.parquet", body=page(*drawn))
    for spec in SPECS:
        assert computed(spec.name, day).equals(by_duckdb(spec, day))


@_few
@given(
    drawn=st.lists(records(), min_size=1, max_size=12),
    rows=st.integers(1, 40),
    size=st.integers(100, 9_000),
)
def test_codes_give_the_bytes_of_their_texts(drawn, rows, size, tmp_path_factory):
    day, _ = written(tmp_path_factory.mktemp("day") / "data.parquet", body=page(*drawn))
    limits = {"rows_per_row_group": rows, "bytes_per_row_group": size}
    for spec in SPECS:
        assert encoded(spec, day, coded=True, **limits) == encoded(spec, day, coded=False, **limits)


def test_what_repeats_stays_a_dictionary_down_to_the_encoder(exported, tmp_path):
    pa.parquet.write_table(exported.stored("conversation_details"), tmp_path / "data.parquet")
    day = ds.dataset(tmp_path / "data.parquet", format="parquet")
    (spec,) = [spec for spec in SPECS if spec.name == "session_metrics"]
    schema = next(iter(compute(ORG, spec, day).frames)).schema
    assert {field.name for field in schema if pa.types.is_dictionary(field.type)} >= _CODED


def test_a_plan_tells_what_is_unfolded_from_what_is_computed():
    made = plan(
        "WITH a AS (SELECT id, unnest(range(len(items))) AS i, unnest(items) AS item FROM up) "
        "SELECT id, i, item.x AS x, len(item.ys) AS n, item.x + 1 AS y, id || 'z' AS z FROM a WHERE item IS NOT NULL"
    )
    assert (made.source, made.lists, made.without_nulls) == ("up", (Member(0, ("items",)),), True)
    assert dict(made.columns) == {
        "id": Member(0, ("id",)), "i": Position(1), "x": Member(1, ("x",)), "n": Count(Member(1, ("ys",))),
        "y": None, "z": None,
    }  # fmt: skip
    assert "item.x + 1 AS y" in made.rest
    assert " n" not in made.rest


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT x FROM t ORDER BY x",
        "SELECT count(*) AS n FROM t GROUP BY x",
        "SELECT t.x FROM t JOIN u USING (x)",
        "SELECT x FROM t WHERE x > 1",
        "SELECT unnest(xs) AS x, unnest(ys) AS y FROM t",
        "WITH a AS (SELECT x FROM t), b AS (SELECT x FROM t) SELECT x FROM a",
    ],
)
def test_what_is_more_than_unfolding_is_refused(statement):
    with pytest.raises(OriginError, match="more than unfolding"):
        plan(statement)
