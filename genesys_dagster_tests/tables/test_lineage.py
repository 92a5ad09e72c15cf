"""Where columns come from, derived from the SQL: named examples of the tables, and the dialect piece by piece."""

from functools import cache

import dagster as dg
import pytest

from genesys_dagster.assets.lineage import METADATA_KEY, TABLE_KEY, column_lineage, lineage_metadata
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sql.columns.tables import snake_case
from genesys_dagster.sql.origin import OriginError
from genesys_dagster.sql.origins import origins, traced
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.default_org import ORG
from genesys_dagster_tests.tables.levels import LEVELS

UPSTREAM = {"conversation_details": CONVERSATION_SCHEMA.names}


@cache
def table_origins(name):
    (spec,) = [spec for spec in SPECS if spec.name == name]
    return origins(spec.statement, spec.schema.names, UPSTREAM)


def table_paths(name, column):
    found = table_origins(name).columns[column]
    return {".".join(origin.path) for origin in found}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_column_of_a_table_comes_from_conversation_details(spec):
    lineage = column_lineage(ORG.key, table_origins(spec.name).columns).deps_by_column
    assert list(lineage) == spec.schema.names
    for deps in lineage.values():
        assert deps
        for dep in deps:
            assert dep.asset_key == dg.AssetKey("conversation_details")
            assert dep.column_name in CONVERSATION_SCHEMA.names


@pytest.mark.parametrize("table", LEVELS)
def test_every_field_of_a_level_is_the_column_that_has_its_name(table):
    fields, elsewhere, level = LEVELS[table]
    for field in fields:
        if field.name not in elsewhere:
            assert table_paths(table, snake_case(field.name)) == {".".join([*level, field.name])}


@pytest.mark.parametrize(
    ("table", "column", "paths"),
    [
        ("conversations", "conversation_end", {"conversationEnd"}),
        ("conversations", "participant_count", {"participants"}),
        ("participants", "participant_index", {"participants"}),
        ("sessions", "ani", {"participants.sessions.ani"}),
        ("sessions", "flow", {"participants.sessions.flow"}),
        ("sessions", "user_id", {"participants.userId"}),
        ("sessions", "queue_id", {"participants.sessions.segments.queueId"}),
        ("segments", "wrap_up_code", {"participants.sessions.segments.wrapUpCode"}),
        ("session_metrics", "value", {"participants.sessions.metrics.value"}),
        ("session_metrics", "originating_direction", {"originatingDirection"}),
        ("participant_attributes", "value", {"participants.attributes.value"}),
        ("surveys", "queue_id", {"surveys.queueId"}),
    ],
)
def test_a_column_is_followed_through_every_level_down_to_its_field(table, column, paths):
    assert table_paths(table, column) == paths


def paths(statement, **upstream):
    upstream = upstream or {"t": ["a", "b", "s", "items", "key"], "u": ["c", "key", "name"]}
    found = origins(statement, ["x"], upstream)
    return {".".join((origin.table, *origin.path)) for origin in found.columns["x"]}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT a AS x FROM t", {"t.a"}),
        ("SELECT A AS X FROM T", {"t.a"}),
        ("SELECT 1 AS x FROM t", set()),
        ("SELECT count(*) AS x FROM t", set()),
        ("SELECT a + b * 2 AS x FROM t", {"t.a", "t.b"}),
        ("SELECT s.m.n.o.p.q AS x FROM t", {"t.s.m.n.o.p.q"}),
        ("SELECT r.s.m AS x FROM t AS r", {"t.s.m"}),
        ("SELECT s AS x FROM t", {"t.s"}),
        ("SELECT sum(a) FILTER (WHERE b > 1) AS x FROM t", {"t.a", "t.b"}),
        ("SELECT quantile_cont(a, 0.95) AS x FROM t", {"t.a"}),
        ("SELECT count(DISTINCT a) AS x FROM t", {"t.a"}),
        ("SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS x FROM t", {"t.a", "t.b"}),
        ("SELECT CASE WHEN a > 1 THEN b END AS x FROM t", {"t.a", "t.b"}),
        ("SELECT coalesce(name, c) AS x FROM t LEFT JOIN u USING (key)", {"u.name", "u.c"}),
        ("SELECT u.name AS x FROM t JOIN u ON t.key = u.key", {"u.name"}),
        ("SELECT a AS y, y + 1 AS x FROM t", {"t.a"}),
        ("SELECT a + 1 AS a, a AS x FROM t", {"t.a"}),
        ("SELECT x FROM (SELECT a AS x FROM t)", {"t.a"}),
        ("WITH w AS (SELECT * FROM t) SELECT a AS x FROM w", {"t.a"}),
        ("WITH w AS (SELECT r.* FROM t AS r JOIN u USING (key)) SELECT a AS x FROM w", {"t.a"}),
        ("SELECT *, a AS x FROM t", {"t.a"}),
        ("SELECT a AS x FROM t UNION ALL SELECT c FROM u", {"t.a", "u.c"}),
        ("WITH w AS (SELECT a AS x FROM t UNION ALL SELECT c FROM u) SELECT * FROM w", {"t.a", "u.c"}),
        ("SELECT e.m AS x FROM (SELECT unnest(items) AS e FROM t)", {"t.items.m"}),
        ("SELECT e.m AS x FROM t, unnest(t.items) AS l(e)", {"t.items.m"}),
        ("SELECT o AS x FROM t, unnest(t.items) WITH ORDINALITY AS l(e, o)", {"t.items"}),
        ("SELECT unnest(range(len(items))) AS x FROM t", {"t.items"}),
        ("SELECT items[1].m AS x FROM t", {"t.items.m"}),
        ("SELECT list_transform(items, lambda e: e.m) AS x FROM t", {"t.items.m"}),
        ("SELECT list_transform(items, lambda e: e.m.n + a) AS x FROM t", {"t.items.m.n", "t.a"}),
        ("SELECT [e.m FOR e IN items IF e.n > 1] AS x FROM t", {"t.items.m", "t.items.n"}),
        ("SELECT y.m AS x FROM (SELECT unnest(list_filter(items, lambda e: e.n)) AS y FROM t)",
         {"t.items.m", "t.items.n"}),
        ("SELECT (SELECT max(c) FROM u) AS x FROM t", {"u.c"}),
        ("SELECT (SELECT max(c) FROM u WHERE u.key = t.key) AS x FROM t", {"u.c"}),
        ("SELECT a AS x FROM t SEMI JOIN u ON t.key = u.key", {"t.a"}),
        ("SELECT i AS x FROM range(48) AS n(i)", set()),
        ("SELECT v AS x FROM (VALUES (1)) AS n(v)", set()),
        ("SELECT CAST(a AS DATE) AS x FROM t", {"t.a"}),
    ],
)  # fmt: skip
def test_duckdb_sql_is_followed(statement, expected):
    assert paths(statement) == expected


def test_conditions_groups_and_joins_decide_rows_not_columns():
    found = origins(
        "SELECT sum(a) AS x FROM t JOIN u USING (key) WHERE t.b > 1 GROUP BY u.name HAVING max(u.c) > 1",
        ["x"],
        {"t": ["a", "b", "key"], "u": ["c", "key", "name"]},
    )
    assert {".".join((o.table, *o.path)) for o in found.columns["x"]} == {"t.a"}
    assert {".".join((o.table, *o.path)) for o in found.rows} == {"t.b", "t.key", "u.key", "u.name", "u.c"}


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("SELECT nothing AS x FROM t", "nothing"),
        ("SELECT a AS y FROM t", "x"),
        ("SELECT a AS x FROM elsewhere", "elsewhere"),
        ("SELECT FROM WHERE", "cannot be read"),
        ("CREATE TABLE x (a INT)", "SELECT"),
    ],
)
def test_a_statement_that_does_not_fit_its_columns_is_an_error(statement, word):
    with pytest.raises(OriginError, match=word):
        paths(statement)


NAMED = {"t": ["s", "key", "n"], "u": ["name", "key"]}


def found_in(statement, *columns):
    return origins(statement, columns, NAMED).columns


def test_lineage_names_upstream_columns_once_in_a_fixed_order():
    lineage = column_lineage(
        dg.AssetKey, found_in("SELECT u.name || t.s.m || t.s.n AS x FROM t JOIN u USING (key)", "x")
    )
    assert [(dep.asset_key.to_user_string(), dep.column_name) for dep in lineage.deps_by_column["x"]] == [
        ("t", "s"),
        ("u", "name"),
    ]


def test_the_lineage_can_be_read_as_a_table_too_down_to_members():
    found = found_in(
        "SELECT u.name || t.s.m AS x, len(t.s.l) + t.s.l AS l, 1 AS one FROM t JOIN u USING (key)",
        "x",
        "l",
        "one",
    )
    assert lineage_metadata(dg.AssetKey, found)[METADATA_KEY] == column_lineage(dg.AssetKey, found)
    assert lineage_metadata(dg.AssetKey, found)[TABLE_KEY].value.splitlines() == [
        "| column | made of |",
        "|---|---|",
        "| `x` | t: `s.m`; u: `name` |",
        "| `l` | t: `s.l` |",
        "| `one` | constants |",
    ]


def test_columns_are_followed_over_several_statements():
    first = found_in("SELECT u.name || t.s.m AS a, t.n AS b FROM t JOIN u USING (key)", "a", "b")
    second = origins(
        "SELECT v.a || w.c AS x, v.b AS y FROM v, w", ["x", "y"], {"v": ["a", "b"], "w": ["c"]}
    ).columns
    in_the_end = traced(second, {"v": first})
    assert lineage_metadata(dg.AssetKey, second, in_the_end)[TABLE_KEY].value.splitlines() == [
        "| column | made of | in the end |",
        "|---|---|---|",
        "| `x` | v: `a`; w: `c` | t: `s.m`; u: `name`; w: `c` |",
        "| `y` | v: `b` | t: `n` |",
    ]
