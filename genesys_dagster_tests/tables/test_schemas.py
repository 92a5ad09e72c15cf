"""The tables' columns are the record's fields: each once, documented, under its name in snake_case."""

import pyarrow as pa
import pytest

from genesys_dagster.sql.columns.tables import snake_case
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.tables.levels import LEVELS

SCHEMAS = {spec.name: spec.schema for spec in SPECS}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("conversationId", "conversation_id"), ("q850ResponseCodes", "q850_response_codes"),
        ("oTotalScore", "o_total_score"), ("nNextContactAvoided", "n_next_contact_avoided"),
        ("mediaStatsMinConversationRFactor", "media_stats_min_conversation_r_factor"), ("ani", "ani"),
    ],
)  # fmt: skip
def test_columns_have_the_fields_names_in_snake_case(name, column):
    assert snake_case(name) == column


@pytest.mark.parametrize("name", LEVELS)
def test_each_field_of_a_level_is_a_column_with_its_documentation(name):
    fields, elsewhere, _ = LEVELS[name]
    for field in fields:
        if field.name not in elsewhere:
            column = SCHEMAS[name].field(snake_case(field.name))
            assert column.metadata == field.metadata
            if not pa.types.is_nested(field.type):
                assert column.type == field.type


def test_every_column_is_described():
    for schema in SCHEMAS.values():
        assert all(field.metadata[b"description"] for field in schema)


def test_nothing_has_a_name_with_capitals_at_any_depth():
    for schema in SCHEMAS.values():
        assert all(name == name.lower() for name in _names(pa.struct(schema)))


def _names(kind):
    if pa.types.is_list(kind):
        yield from _names(kind.value_type)
    if pa.types.is_struct(kind):
        for member in kind:
            yield member.name
            yield from _names(member.type)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("conversations", ["conversation_id"]),
        ("participants", ["conversation_id", "participant_index"]),
        ("sessions", ["conversation_id", "participant_index", "session_index"]),
        ("segments", ["conversation_id", "participant_index", "session_index", "segment_index"]),
        ("session_metrics", ["conversation_id", "participant_index", "session_index", "metric_index"]),
        ("evaluations", ["conversation_id", "evaluation_index"]),
        ("surveys", ["conversation_id", "survey_index"]),
    ],
)
def test_the_key_is_ids_and_positions_and_never_null(name, key):
    assert [field.name for field in SCHEMAS[name] if not field.nullable] == key


def test_what_can_identify_a_person_is_marked():
    def personal(name):
        return {field.name for field in SCHEMAS[name] if field.metadata.get(b"personal") == b"true"}

    assert {"ani", "dnis", "remote", "address_from"} <= personal("sessions")
    assert personal("participant_attributes") == {"value"}
    assert {"subject", "wrap_up_note"} <= personal("segments")
    assert "unknown_fields" in personal("conversations")
    assert not personal("session_metrics")
