"""The tables as their users know them: materialized from the sandbox org into the lake."""

from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster.assets.lineage import METADATA_KEY, TABLE_KEY
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import TABLES
from genesys_dagster_tests.tables.rebuild import rebuilt

NAMES = [spec.name for spec in SPECS]


def event_of(outcome, name):
    (event,) = [m for m in outcome.materializations if m.asset_key == dg.AssetKey(name)]
    return event


def test_a_day_of_the_org_can_be_rebuilt_from_its_tables_row_by_row(exported):
    tables = {name: exported.stored(name) for name in NAMES}
    assert all(len(table) for table in tables.values())
    assert rebuilt(tables) == exported.stored("conversation_details").to_pylist()


def test_fields_that_genesys_added_are_kept_with_the_conversation(materialize, stored, sandbox):
    sandbox.faults.unknown_fields = True
    assert materialize(selection=["conversation_details", "conversations"]).success
    kept = stored("conversations")["unknown_fields"]
    assert any(kept.to_pylist())
    assert kept.equals(stored("conversation_details")["unknownFields"])


def test_a_range_in_one_run_is_split_into_its_days(materialize, stored):
    days = [DAY - timedelta(days=1), DAY]
    assert materialize(*days, selection=["conversation_details", "conversations", "surveys"]).success
    for day in days:
        ids = stored("conversation_details", day)["conversationId"]
        assert stored("conversations", day)["conversation_id"].equals(ids)
        assert set(stored("surveys", day)["conversation_id"].to_pylist()) <= set(ids.to_pylist())


def test_an_empty_day_gives_empty_tables_of_the_same_schemas(materialize, stored, environment):
    with SandboxServer(Org(conversations_per_day=0)) as quiet:
        environment.setenv("GENESYSCLOUD_API_URL", quiet.url)
        environment.setenv("GENESYSCLOUD_LOGIN_URL", quiet.url)
        assert materialize().success
    for spec in SPECS:
        assert len(stored(spec.name)) == 0
        assert stored(spec.name).schema.equals(spec.schema)


def test_a_full_day_has_the_same_schemas_with_their_descriptions(exported):
    stored = exported.stored
    for spec in SPECS:
        assert stored(spec.name).schema.equals(spec.schema)
        for field, declared in zip(stored(spec.name).schema, spec.schema, strict=True):
            assert field.metadata[b"description"] == declared.metadata[b"description"]


def test_a_day_from_the_query_has_no_attributes_and_everything_else(materialize, stored):
    some = ["conversation_details", "participants", "participant_attributes", "segments"]
    assert materialize(selection=some, source="query").success
    assert len(stored("participant_attributes")) == 0
    assert set(stored("participants")["attribute_count"].to_pylist()) == {None}
    assert len(stored("segments"))


def test_a_table_follows_the_rows_of_conversation_details_and_the_positions(exported):
    stored = exported.stored
    order = {id_: at for at, id_ in enumerate(stored("conversation_details")["conversationId"].to_pylist())}
    for name in NAMES:
        positions = [column for column in stored(name).schema.names if column.endswith("_index")]
        keys = [
            (order[row["conversation_id"]], *(row[position] for position in positions))
            for row in stored(name).to_pylist()
        ]
        assert keys == sorted(keys)
        if name != "participant_attributes":
            assert len(set(keys)) == len(keys)


def test_the_same_day_gives_the_same_data_version_and_bytes(materialize, lake):
    some = ["conversations", "sessions", "session_metrics"]

    def objects():
        keys = [f"genesys/{name}/date={DAY}/data.parquet" for name in some]
        return [lake.client.get_object(Bucket=lake.bucket, Key=key)["Body"].read() for key in keys]

    assert materialize(selection=["conversation_details"]).success
    first, bytes_of_first = materialize(selection=some), objects()
    second = materialize(selection=some)
    assert objects() == bytes_of_first
    for name in some:
        tag = "dagster/data_version"
        assert event_of(first, name).tags[tag] == event_of(second, name).tags[tag]


def test_parents_values_stand_in_their_childrens_rows(exported):
    stored = exported.stored
    sessions = {row["session_id"]: row for row in stored("sessions").to_pylist()}
    participants = {
        (row["conversation_id"], row["participant_index"]): row for row in stored("participants").to_pylist()
    }
    for row in [*stored("segments").to_pylist(), *stored("session_metrics").to_pylist()]:
        session = sessions[row["session_id"]]
        participant = participants[row["conversation_id"], row["participant_index"]]
        for name in ("media_type", "direction", "session_index", "participant_id"):
            assert row[name] == session[name]
        for name in ("purpose", "user_id", "conversation_start", "originating_direction"):
            assert row[name] == session[name] == participant[name]


def test_the_queue_of_a_session_is_the_only_one_that_its_segments_name(exported):
    stored = exported.stored
    queues = {}
    for row in stored("segments").to_pylist():
        queues.setdefault(row["session_id"], set()).update({row["queue_id"]} - {None})
    expected = {id_: next(iter(found)) if len(found) == 1 else None for id_, found in queues.items()}
    assert any(expected.values())
    for row in stored("sessions").to_pylist():
        assert row["queue_id"] == expected[row["session_id"]]
    for row in stored("session_metrics").to_pylist():
        is_in_none = (row["name"], row["direction"]) == ("nConnected", "inbound")
        assert row["queue_id"] in ({None} if is_in_none else queues[row["session_id"]] or {None})


def test_the_materialization_tells_rows_columns_and_lineage(exported):
    for spec in SPECS:
        metadata = event_of(exported.outcome, spec.name).metadata
        assert metadata["dagster/partition_row_count"].value == len(exported.stored(spec.name))
        lineage = metadata[METADATA_KEY].value.deps_by_column
        assert list(lineage) == spec.schema.names
        assert all(lineage.values())
        table = metadata[TABLE_KEY].value.splitlines()
        assert len(table) == 2 + len(spec.schema.names)
        assert all("conversation_details: `" in line for line in table[2:])
        columns = metadata["dagster/column_schema"].value.columns
        assert [column.name for column in columns] == spec.schema.names
        assert all(column.description for column in columns)


def test_personal_data_is_masked_in_the_preview(exported):
    preview = event_of(exported.outcome, "sessions").metadata["preview"].value
    head = exported.stored("sessions").slice(0, 5).to_pylist()
    shown = [value for row in head for value in (row["ani"], row["remote"], row["address_from"]) if value]
    assert shown
    for value in shown:
        assert value not in preview


def test_a_day_that_was_not_exported_is_named(materialize, lake):
    outcome = materialize(selection=["segments"])
    assert not outcome.success
    assert "2026-05-12" in outcome.failure
    assert lake.keys() == []


def test_an_object_that_is_no_parquet_is_an_error_and_leaves_the_table_before(materialize, lake, stored):
    assert materialize(selection=["conversation_details", "segments"]).success
    before = stored("segments")
    lake.put(body=b"PAR1 but not really")
    assert not materialize(selection=["segments"]).success
    assert stored("segments").equals(before)


def test_a_bucket_that_is_out_of_reach_is_tried_again(materialize, environment):
    assert materialize(selection=["conversation_details"]).success
    environment.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    environment.setenv("AWS_MAX_ATTEMPTS", "1")
    outcome = materialize(selection=["surveys"])
    assert not outcome.success
    assert outcome.was_retried


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_a_table_is_described_owned_grouped_and_versioned_by_its_sql(table):
    (spec,) = table.specs
    assert spec.description
    assert spec.owners == ["team:data-engineering"]
    assert spec.group_name == "tables"
    assert {"duckdb", "parquet"} <= spec.kinds
    assert spec.code_version
    assert spec.automation_condition is not None
    assert [dep.asset_key.to_user_string() for dep in spec.deps] == ["conversation_details"]
    columns = spec.metadata["dagster/column_schema"].columns
    assert all(column.description for column in columns)
    personal = any((field.metadata or {}).get(b"personal") for field in _all_fields(table))
    assert ("pii" in spec.tags) == personal


def _all_fields(table):
    (spec,) = [spec for spec in SPECS if spec.name == table.key.to_user_string()]
    pending = list(spec.schema)
    while pending:
        field = pending.pop()
        yield field
        kind = field.type.value_type if hasattr(field.type, "value_type") else field.type
        pending += list(kind) if hasattr(kind, "num_fields") and kind.num_fields else []
