"""Nothing of a record is lost between the nested asset and the tables: the record is rebuilt from them."""

import itertools

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster_tests.records.conversations import (
    conversation,
    page,
    records,
    records_with_additions,
)
from genesys_dagster_tests.tables.rebuild import all_tables, computed, rebuilt, written

_few = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def _distinct(drawn):
    """As in the lake: each conversation once."""
    return [
        record | {"conversationId": f"{at}-{record['conversationId']}"} for at, record in enumerate(drawn)
    ]


@_few
@given(drawn=st.lists(records() | records_with_additions(), min_size=1, max_size=12))
def test_any_record_can_be_rebuilt_from_the_tables(drawn, tmp_path_factory):
    day, rows = written(tmp_path_factory.mktemp("day") / "data.parquet", *_distinct(drawn))
    assert rebuilt(all_tables(day)) == rows.to_pylist()


def test_a_record_in_which_every_field_has_another_value_can_be_rebuilt(tmp_path):
    day, rows = written(tmp_path / "data.parquet", *[filled(record) for record in range(9)])
    assert rebuilt(all_tables(day)) == rows.to_pylist()
    assert rows.column("unknownFields").null_count == 9


def filled(record):
    """A record with every field of the schema; nine of them tell any two fields apart, flags too."""
    number = itertools.count(1)

    def value(kind):
        if pa.types.is_struct(kind):
            return {field.name: value(field.type) for field in kind if field.name != "unknownFields"}
        if pa.types.is_map(kind):
            return {f"key {next(number)}": f"{next(number)}"}
        if pa.types.is_list(kind):
            return [value(kind.value_type)]
        at = next(number)
        if pa.types.is_boolean(kind):
            return bool(at >> record & 1)
        if pa.types.is_timestamp(kind):
            return f"2026-05-12T08:{at // 60:02d}:{at % 60:02d}.{record:03d}Z"
        return f"{record} {at}" if pa.types.is_string(kind) else at + record

    return value(pa.struct(CONVERSATION_SCHEMA))


LEVELS = [
    {"participants": None}, {"participants": []}, {"participants": [{}]}, {"participants": [None, {}, None]},
    {"evaluations": []}, {"evaluations": [None, {"formName": "x"}]}, {"surveys": []}, {"surveys": [{}, None]},
    {"participants": [{"sessions": []}, {"sessions": None}, {"sessions": [None, {}]}]},
    {"participants": [{"sessions": [{"segments": []}, {"segments": [None, {}, None]}, {"metrics": []}]}]},
    {"participants": [{"sessions": [{"metrics": [None, {"name": "tTalk"}]}, {"flow": {}}, {"flow": None}]}]},
    {"participants": [{"attributes": {}}, {"attributes": None}, {"attributes": {"a": None, "": "x"}}]},
    {"participants": [{"sessions": [{"mediaEndpointStats": [None, {"codecs": []}], "agentGroups": []}]}]},
    {"resolutions": [None, {}, {"nNextContactAvoided": 1}], "divisionIds": [None, "d"], "accessAttributes": []},
]  # fmt: skip


def test_null_empty_and_absent_stay_apart_at_every_level(tmp_path):
    records = [conversation(f"{at}", **level) for at, level in enumerate(LEVELS)]
    day, rows = written(tmp_path / "data.parquet", *records)
    for made, decoded in zip(rebuilt(all_tables(day)), rows.to_pylist(), strict=True):
        assert made == decoded


def test_an_attribute_that_is_set_twice_in_the_json_has_two_rows(tmp_path):
    twice = page(conversation(participants=[{"attributes": {"k": "1", "l": "2"}}])).replace(b'"l"', b'"k"')
    day, rows = written(tmp_path / "data.parquet", body=twice)
    assert rows["participants"].to_pylist()[0][0]["attributes"] == [("k", "1"), ("k", "2")]
    table = computed("participant_attributes", day)
    assert [(row["key"], row["value"]) for row in table.to_pylist()] == [("k", "1"), ("k", "2")]
    assert rebuilt(all_tables(day)) == rows.to_pylist()
