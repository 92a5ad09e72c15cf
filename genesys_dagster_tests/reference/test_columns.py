"""An entity becomes a row; nothing that was sent gets lost on the way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.records.reference import ENTITIES

QUEUES = ENTITIES["queues"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def row_of(entity, kind=QUEUES):
    (row,) = kind.table([entity]).to_pylist()
    return row


def rebuilt(row, kind):
    """The entity that a row came from."""
    entity = json.loads(row["unknown_fields"] or "{}")
    for column in kind.columns:
        value = row[column.field.name]
        if value is None:
            continue
        place = entity
        for key in column.path[:-1]:
            place = place.setdefault(key, {})
        place[column.path[-1]] = value
    return entity


def test_nested_values_have_columns_of_their_own():
    row = row_of({"id": "q", "name": "Care", "division": {"id": "d", "name": "Home", "selfUri": "/x"}})
    assert (row["division_id"], row["division_name"]) == ("d", "Home")
    assert row["unknown_fields"] is None


def test_what_the_columns_do_not_know_is_kept_as_json():
    row = row_of({"id": "q", "division": {"id": "d", "starred": True}, "acwSettings": {"timeoutMs": 1}})
    assert json.loads(row["unknown_fields"]) == {
        "division": {"starred": True},
        "acwSettings": {"timeoutMs": 1},
    }


@pytest.mark.parametrize("value", ["many", 2.5, True, [1], {"n": 1}])
def test_a_value_of_another_type_is_kept_aside(value):
    row = row_of({"id": "q", "memberCount": value})
    assert row["member_count"] is None
    assert json.loads(row["unknown_fields"]) == {"memberCount": value}


def test_instants_finer_than_milliseconds_are_kept_aside():
    row = row_of({"id": "q", "dateCreated": "2026-05-01T00:00:00.123456Z"})
    assert row["date_created"] is None
    assert json.loads(row["unknown_fields"]) == {"dateCreated": "2026-05-01T00:00:00.123456Z"}


def test_no_entities_give_an_empty_table_of_the_same_schema():
    for kind in ENTITIES.values():
        assert kind.table([]).schema.equals(kind.schema)


fields = st.sampled_from(["name", "description", "memberCount", "division", "skillEvaluationMethod", "other"])


@given(st.dictionaries(fields, json_values, max_size=6))
def test_an_entity_can_be_rebuilt_from_its_row(entity):
    entity = {key: value for key, value in entity.items() if value is not None} | {"id": "q"}
    if isinstance(entity.get("division"), dict):
        inner = {k: v for k, v in entity["division"].items() if v is not None}
        entity["division"] = inner
        if not inner:
            del entity["division"]
    assert rebuilt(row_of(entity), QUEUES) == entity
