"""What the looks into a partition find: each fault that a check is there for, and no others."""

from datetime import timedelta

import pyarrow as pa
import pytest

from genesys_dagster.checks.contents import THEMES
from genesys_dagster.checks.schema import schema_finding
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.sandbox.drift import add_unknown_fields
from genesys_dagster_tests.checks.conftest import look
from genesys_dagster_tests.checks.tables import changed, decoded, set_column
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import PARTITIONS

WINDOW = PARTITIONS.time_window_for_partition_key(str(DAY))
NAMES = [theme.name for theme in THEMES]


def first_segment(record):
    return record["participants"][0]["sessions"][0]["segments"][0]


def last_segment(record):
    return record["participants"][0]["sessions"][0]["segments"][-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_day_as_the_org_holds_it_is_in_order(held, sandbox, name):
    queues = {queue["id"] for queue in sandbox.org.directory.queues}
    assert look(name, held, queues).verdict == "passed"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_day_is_in_order(held, name):
    assert look(name, held.slice(0, 0), {"any"}).verdict == "passed"


def test_a_conversation_that_stands_twice_is_an_error_even_rows_apart(held):
    found = look("unique_ids", pa.concat_tables([held, held.slice(3, 2)]))
    assert found.verdict == "ERROR"
    assert found.summary.startswith("2 of")
    assert held["conversationId"][3].as_py() in found.figures["repeated_ids"]


@pytest.mark.parametrize(
    ("moment", "verdict"),
    [
        (WINDOW.start - timedelta(milliseconds=1), "ERROR"),
        (WINDOW.start, "passed"),
        (WINDOW.end - timedelta(milliseconds=1), "passed"),
        (WINDOW.end, "ERROR"),
    ],
)
def test_the_first_instant_belongs_to_the_day_and_its_end_to_the_next(held, moment, verdict):
    starts = held["conversationStart"].to_pylist()
    found = look("window", set_column(held, "conversationStart", [*starts[:5], moment, *starts[6:]]))
    assert found.verdict == verdict
    assert found.figures["outside"] == (verdict == "ERROR")


def test_a_conversation_without_start_is_told_but_not_held_against_the_day(held):
    starts = held["conversationStart"].to_pylist()
    found = look("window", set_column(held, "conversationStart", [None, *starts[1:]]))
    assert found.verdict == "passed"
    assert found.figures["without_start"] == 1


def test_open_conversations_are_counted_and_never_fail(held):
    found = look("open_conversations", held)
    assert found.verdict == "passed"
    assert found.figures["open_conversations"] == held["conversationEnd"].null_count > 0
    nobody_ended = set_column(held, "conversationEnd", [None] * len(held))
    assert look("open_conversations", nobody_ended).verdict == "passed"


def test_fields_that_the_schema_does_not_hold_are_warned_of_by_name(sandbox):
    records = [add_unknown_fields(record) for record in sandbox.org.day(DAY)[:20]]
    found = look("unknown_fields", decoded(records))
    assert found.verdict == "WARN"
    assert found.figures["unknown_fields"]["sentimentScore"] == 20
    assert found.figures["unknown_fields"]["participants[].pronouns"] > 20


@pytest.mark.parametrize("value", [-1.0, None, float("nan"), float("inf")])
def test_a_metric_that_is_negative_or_no_number_is_warned_of(held, value):
    def spoil(record):
        record["participants"][0]["sessions"][0]["metrics"][0]["value"] = value

    found = look("metric_sanity", changed(held, 0, spoil))
    assert found.verdict == "WARN"
    assert sum(found.figures["negative"].values()) == (value == -1.0)
    assert found.figures["without_value"] == (value != -1.0)


def test_a_metric_without_name_is_warned_of(held):
    def spoil(record):
        record["participants"][0]["sessions"][0]["metrics"][0]["name"] = None

    found = look("metric_sanity", changed(held, 0, spoil))
    assert (found.verdict, found.figures["without_name"]) == ("WARN", 1)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(timedelta(milliseconds=-13), "passed"), (timedelta(minutes=-5), "WARN")]
)
def test_a_segment_may_begin_a_moment_before_its_conversation_but_not_long(held, shift, verdict):
    def move(record):
        first_segment(record)["segmentStart"] = record["conversationStart"] + shift

    found = look("segment_times", changed(held, 0, move))
    assert (found.verdict, found.figures["before_conversation"]) == (verdict, int(verdict == "WARN"))


def test_a_segment_that_ends_before_it_begins_is_warned_of(held):
    def turn(record):
        segment = last_segment(record)
        segment["segmentEnd"] = segment["segmentStart"] - timedelta(milliseconds=1)

    found = look("segment_times", changed(held, 0, turn))
    assert (found.verdict, found.figures["end_before_start"]) == ("WARN", 1)


@pytest.mark.parametrize(("kind", "verdict"), [("wrapup", "passed"), ("interact", "WARN"), (None, "WARN")])
def test_only_after_call_work_may_go_on_when_the_conversation_is_over(held, kind, verdict):
    def extend(record):
        segment = last_segment(record)
        segment["segmentEnd"] = record["conversationEnd"] + timedelta(minutes=10)
        segment["segmentType"] = kind

    assert look("segment_times", changed(held, 0, extend)).verdict == verdict


def test_open_segments_and_conversations_have_no_end_to_compare(held):
    def open_up(record):
        record["conversationEnd"] = None
        last_segment(record)["segmentEnd"] = None

    assert look("segment_times", changed(held, 0, open_up)).verdict == "passed"


def test_conversations_that_are_over_and_have_no_end_are_warned_of(held):
    ends = held["conversationEnd"].to_pylist()
    nobody_ended = look("conversation_ends", set_column(held, "conversationEnd", [None] * len(held)))
    assert nobody_ended.verdict == "WARN"
    assert nobody_ended.figures["without_end"] == nobody_ended.figures["finished"] > 300
    few = look("conversation_ends", set_column(held, "conversationEnd", [*[None] * 20, *ends[20:]]))
    assert (few.verdict, few.figures["without_end"] > 10) == ("passed", True)


def test_queues_without_a_name_are_warned_of(held, sandbox):
    first, *others = [queue["id"] for queue in sandbox.org.directory.queues]
    found = look("queue_names", held, set(others))
    assert found.verdict == "WARN"
    assert list(found.figures["without_name"]) == [first]


def test_before_the_first_snapshot_of_queues_nothing_is_wrong(held):
    found = look("queue_names", held, None)
    assert found.verdict == "passed"
    assert "No snapshot yet" in found.summary


def test_with_a_snapshot_that_names_nothing_nothing_is_compared(held):
    found = look("queue_names", held, frozenset())
    assert found.verdict == "WARN"
    assert "Not compared" in found.summary


def test_an_object_that_lacks_a_field_says_so_where_it_is_needed(held):
    table = held.drop_columns(["unknownFields"])
    found = look("unknown_fields", table)
    assert found.verdict == "WARN"
    assert "unknownFields" in found.summary
    assert look("unique_ids", table).verdict == "passed"


class TestSchema:
    @staticmethod
    def differences(schema):
        finding = schema_finding(pa.dataset.dataset(schema.empty_table()), CONVERSATION_SCHEMA)
        assert finding.passed == ("differences" not in finding.figures)
        return {} if finding.passed else finding.figures["differences"].data

    def test_the_one_schema_is_in_order(self):
        assert self.differences(CONVERSATION_SCHEMA) == {}

    def test_missing_additional_and_changed_fields_are_named(self):
        at = CONVERSATION_SCHEMA.get_field_index("conversationStart")
        other = CONVERSATION_SCHEMA.set(at, pa.field("conversationStart", pa.timestamp("us", "UTC")))
        other = other.remove(other.get_field_index("selfServed")).append(pa.field("new", pa.string()))
        assert self.differences(other) == {
            "selfServed": "is missing",
            "new": "is not in the schema",
            "conversationStart": "is timestamp[us, tz=UTC] instead of timestamp[ms, tz=UTC]",
        }

    def test_a_field_that_may_be_null_where_it_must_not_differs(self):
        at = CONVERSATION_SCHEMA.get_field_index("conversationId")
        assert list(
            self.differences(CONVERSATION_SCHEMA.set(at, pa.field("conversationId", pa.string())))
        ) == ["conversationId"]

    def test_a_difference_deep_inside_is_found(self):
        at = CONVERSATION_SCHEMA.get_field_index("surveys")
        fields = list(CONVERSATION_SCHEMA.field("surveys").type.value_type)
        other = CONVERSATION_SCHEMA.set(at, pa.field("surveys", pa.list_(pa.struct(fields[1:]))))
        assert self.differences(other) == {f"surveys.{fields[0].name}": "is missing"}
