"""Nothing of a record is lost between the nested asset and the tables: the record is rebuilt from them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster_tests.records.conversations import (
    conversation,
    page,
    records,
    records_with_additions,
)
from genesys_dagster_tests.tables.rebuild import all_tables, computed, rebuilt, written

_few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


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


@pytest.mark.parametrize(
    "level",
    [
        {"participants": None}, {"participants": []}, {"participants": [{}]}, {"participants": [None, {}, None]},
        {"evaluations": []}, {"evaluations": [None, {"formName": "x"}]}, {"surveys": []}, {"surveys": [{}, None]},
        {"participants": [{"sessions": []}, {"sessions": None}, {"sessions": [None, {}]}]},
        {"participants": [{"sessions": [{"segments": []}, {"segments": [None, {}, None]}, {"metrics": []}]}]},
        {"participants": [{"sessions": [{"metrics": [None, {"name": "tTalk"}]}, {"flow": {}}, {"flow": None}]}]},
        {"participants": [{"attributes": {}}, {"attributes": None}, {"attributes": {"a": None, "": "x"}}]},
        {"participants": [{"sessions": [{"mediaEndpointStats": [None, {"codecs": []}], "agentGroups": []}]}]},
        {"resolutions": [None, {}, {"nNextContactAvoided": 1}], "divisionIds": [None, "d"], "accessAttributes": []},
    ],
)  # fmt: skip
def test_null_empty_and_absent_stay_apart_at_every_level(level, tmp_path):
    day, rows = written(tmp_path / "data.parquet", conversation(**level))
    assert rebuilt(all_tables(day)) == rows.to_pylist()


def test_an_attribute_that_is_set_twice_in_the_json_has_two_rows(tmp_path):
    twice = page(conversation(participants=[{"attributes": {"k": "1", "l": "2"}}])).replace(b'"l"', b'"k"')
    day, rows = written(tmp_path / "data.parquet", body=twice)
    assert rows["participants"].to_pylist()[0][0]["attributes"] == [("k", "1"), ("k", "2")]
    table = computed("participant_attributes", day)
    assert [(row["key"], row["value"]) for row in table.to_pylist()] == [("k", "1"), ("k", "2")]
    assert rebuilt(all_tables(day)) == rows.to_pylist()
