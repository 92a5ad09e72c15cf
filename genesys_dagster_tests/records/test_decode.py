"""Pages to rows: what regular and odd records look like afterwards."""

import json
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import msgspec
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records import decode as decoding
from genesys_dagster.records.additions import find_additions
from genesys_dagster.records.decode import decode
from genesys_dagster.records.errors import DecodeError, DoubtError
from genesys_dagster.records.learned import Learned
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster_tests.records.conversations import (
    as_sent,
    conversation,
    instant,
    page,
    records,
    records_with_additions,
)

KEYS = st.sampled_from(["conversations", "entities"])
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def row(*args, **fields):
    """The single row of a page with one conversation of these fields."""
    (only,) = decode([page(conversation(*args, **fields))]).rows.to_pylist()
    return only


def kept_aside(**fields):
    text = row(**fields)["unknownFields"]
    return None if text is None else json.loads(text)


def session(**fields):
    return {"participants": [{"sessions": [fields]}]}


def sessions_of(row):
    return row["participants"][0]["sessions"][0]


def fast_rows(body):
    with suppress(DoubtError):
        return decoding._reading([body], "conversations").rows()


def assert_same(decoded, expected):
    assert decoded.rows.equals(expected.rows)
    assert decoded.unknown_fields == expected.unknown_fields


def by_names(body):
    additions = find_additions(body, "conversations")
    rows = decoding._reading([body], "conversations").rows(additions)
    return decoding.Decoded(rows, additions.asides.paths)


@given(st.lists(records(), max_size=3))
@thorough
def test_the_record_can_be_rebuilt_from_its_row(sent):
    decoded = decode([page(*sent)])
    assert [as_sent(row) for row in decoded.rows.to_pylist()] == sent
    assert decoded.rows["unknownFields"].null_count == len(sent)
    assert decoded.unknown_fields == {}


@given(st.lists(records(), min_size=1, max_size=3))
@thorough
def test_the_careful_way_gives_the_same_rows_as_the_fast_way(sent):
    body = page(*sent)
    fast = fast_rows(body)
    if fast is not None:  # None is always allowed: it only costs time
        assert decoding._repaired(body, "conversations").rows.equals(fast)


def test_an_ordinary_record_takes_the_fast_way():
    body = page(
        conversation(**session(ani='tel:"x": 1', metrics=[{"name": "tTalk", "value": 5}])), cursor="abc"
    )
    assert fast_rows(body) is not None


def test_every_page_has_the_one_schema_also_without_conversations():
    for body in (b"{}", b'{"conversations":null}', page(), page(conversation())):
        assert decode([body]).rows.schema.equals(CONVERSATION_SCHEMA, check_metadata=True)
    assert decode([b"{}"]).rows.num_rows == 0


def test_pages_decoded_together_keep_their_order():
    bodies = [
        page(conversation("a"), conversation("b"), totalHits=3),
        b"{}",
        page(conversation("c"), cursor="x"),
    ]
    assert decode(bodies).rows["conversationId"].to_pylist() == ["a", "b", "c"]


def test_one_odd_page_among_several_changes_nothing_for_the_others():
    decoded = decode([page(conversation("a")), page(conversation("b", future=1)), page(conversation("c"))])
    assert decoded.rows["conversationId"].to_pylist() == ["a", "b", "c"]
    assert decoded.rows["unknownFields"].to_pylist() == [None, '{"future":1}', None]


@pytest.mark.parametrize("digits", range(10))
def test_timestamps_with_any_number_of_fractional_digits_are_read(digits):
    fraction = "." + "123456789"[:digits] if digits else ""
    read = row(conversationEnd=f"2026-05-01T09:00:00{fraction}Z")["conversationEnd"]
    assert read == instant("2026-05-01T09:00:00." + "123456789"[: min(digits, 3)].ljust(3, "0") + "Z")


def test_digits_beyond_milliseconds_are_kept_aside_unless_they_are_zero():
    assert kept_aside(conversationEnd="2026-05-01T09:00:00.123456Z") == {
        "conversationEnd": "2026-05-01T09:00:00.123456Z"
    }
    assert kept_aside(conversationEnd="2026-05-01T09:00:00.123000Z") is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T11:00:00.5+02:00",
        "2026-05-01T11:00:00.500+0200",
        "2026-05-01T09:00:00.50",
        "2026-05-01 09:00:00.5Z",
    ],
)
def test_timestamps_with_other_offsets_are_the_same_instant(text):
    expected = instant("2026-05-01T09:00:00.5Z")
    assert row(conversationEnd=text)["conversationEnd"] == expected
    assert row(conversationEnd=text, externalTag=1)["conversationEnd"] == expected  # the careful way


def test_timestamps_outside_the_range_of_nanoseconds_are_read():
    assert row(conversationEnd="1500-01-01T00:00:00Z")["conversationEnd"] == instant("1500-01-01T00:00:00Z")


@pytest.mark.parametrize("value", ["2021-04-2T15:30:51.418Z", "", "soon", 1617377451418, True, {"at": 1}])
def test_what_is_no_timestamp_is_kept_aside(value):
    read = row(conversationEnd=value)
    assert read["conversationEnd"] is None
    assert json.loads(read["unknownFields"]) == {"conversationEnd": value}


def test_whole_numbers_are_read_where_doubles_are_declared():
    assert row(mediaStatsMinConversationMos=4)["mediaStatsMinConversationMos"] == 4.0


@pytest.mark.parametrize("sent", ["7", "7.0", "70e-1"])
def test_doubles_without_fraction_are_read_where_whole_numbers_are_declared(sent):
    body = page(conversation(**session(mediaCount=0))).replace(
        b'"mediaCount":0', b'"mediaCount":' + sent.encode()
    )
    decoded = decode([body])
    assert sessions_of(decoded.rows.to_pylist()[0])["mediaCount"] == 7
    assert decoded.unknown_fields == {}


def test_a_fraction_in_a_whole_number_column_is_kept_aside_not_cut():
    read = row(**session(mediaCount=12.75))
    assert sessions_of(read)["mediaCount"] is None
    assert json.loads(read["unknownFields"]) == {"participants[0].sessions[0].mediaCount": 12.75}


def test_whole_numbers_of_64_bits_survive_in_whole_number_columns():
    assert sessions_of(row(**session(mediaCount=2**63 - 1)))["mediaCount"] == 2**63 - 1
    assert kept_aside(**session(mediaCount=2**63)) == {"participants[0].sessions[0].mediaCount": 2**63}


def test_whole_numbers_that_a_double_cannot_hold_are_kept_aside():
    metrics = [{"name": "tTalk", "value": 2**53 + 1}, {"name": "tAcw", "value": 2**53 + 2}]
    read = row(**session(metrics=metrics))
    assert [metric["value"] for metric in sessions_of(read)["metrics"]] == [None, 2.0**53 + 2]
    assert json.loads(read["unknownFields"]) == {"participants[0].sessions[0].metrics[0].value": 2**53 + 1}


def test_a_number_too_large_for_a_double_is_kept_aside_as_it_was_sent():
    body = page(conversation(mediaStatsMinConversationMos=0)).replace(b'Mos":0', b'Mos":1e400')
    assert decode([body]).rows["unknownFields"].to_pylist() == ['{"mediaStatsMinConversationMos":1E+400}']


@pytest.mark.parametrize("value", ["12", "many", True, [1], {"n": 1}])
def test_what_is_no_number_is_kept_aside(value):
    assert kept_aside(mediaStatsMinConversationMos=value) == {"mediaStatsMinConversationMos": value}
    assert kept_aside(**session(mediaCount=value)) == {"participants[0].sessions[0].mediaCount": value}


@pytest.mark.parametrize("value", [12, 1.5, False, ["x"], {"a": "b"}])
def test_what_is_no_text_is_kept_aside(value):
    assert kept_aside(externalTag=value) == {"externalTag": value}


@pytest.mark.parametrize("value", ["true", 1, 0.0])
def test_what_is_no_boolean_is_kept_aside(value):
    assert kept_aside(selfServed=value) == {"selfServed": value}


def test_a_misfit_inside_a_list_leaves_its_neighbours():
    segment = {"sipResponseCodes": [200, "busy", 486]}
    read = row(**session(segments=[segment, "gone", {"segmentType": "alert"}]))
    first, second, third = sessions_of(read)["segments"]
    assert first["sipResponseCodes"] == [200, None, 486]
    assert second is None
    assert third["segmentType"] == "alert"
    at = "participants[0].sessions[0].segments"
    assert json.loads(read["unknownFields"]) == {f"{at}[0].sipResponseCodes[1]": "busy", f"{at}[1]": "gone"}


def test_objects_where_lists_are_declared_are_kept_aside():
    assert kept_aside(participants={"participantId": "x"}) == {"participants": {"participantId": "x"}}


def test_unknown_fields_at_any_depth_are_preserved_and_counted():
    fields = {
        "topLevel": [1, {"a": None}],
        "participants": [{"sessions": [{"flow": {"outcomes": [{"deep.est": "x"}]}}]}] * 2,
    }
    decoded = decode([page(conversation("a", **fields), conversation("b", **fields), conversation("c"))])
    aside = [text and json.loads(text) for text in decoded.rows["unknownFields"].to_pylist()]
    expected = {
        "topLevel": [1, {"a": None}],
        'participants[0].sessions[0].flow.outcomes[0]["deep.est"]': "x",
        'participants[1].sessions[0].flow.outcomes[0]["deep.est"]': "x",
    }
    assert aside == [expected, expected, None]
    assert decoded.unknown_fields == {
        "topLevel": 2,
        'participants[].sessions[].flow.outcomes[]["deep.est"]': 4,
    }


@given(st.lists(records_with_additions(), min_size=1, max_size=3))
@thorough
def test_added_fields_read_the_same_by_their_names_as_by_the_careful_way(sent):
    body = page(*sent)
    with suppress(DoubtError):
        quick = by_names(body)
        careful = decoding._repaired(body, "conversations")
        assert quick.rows.equals(careful.rows)
        assert quick.unknown_fields == careful.unknown_fields


@given(st.lists(st.lists(records_with_additions(), max_size=2), min_size=2, max_size=4), KEYS)
@thorough
def test_pages_read_the_same_whatever_pages_before_them_have_told(sent, key):
    learned = Learned()
    bodies = [page(*records, key=key) for records in sent]
    careful = [decoding._repaired(body, key) for body in bodies]
    for body, expected in zip(bodies, careful, strict=True):
        assert_same(decode([body], key, learned), expected)
    together = decode(bodies, key, learned)
    assert_same(together, decoding._joined(careful))
    for body, expected in zip(bodies, careful, strict=True):
        with suppress(DoubtError):
            additions = learned.additions([body], key)
            rows = decoding._reading([body], key).rows(additions)
            assert_same(decoding.Decoded(rows, additions.asides.paths), expected)


def test_fields_that_a_page_before_had_cost_no_look_at_every_value():
    added = {
        "text": "x",
        "number": 1.10,
        "flag": True,
        "object": {"a": [1, None]},
        "list": ["a"],
        "none": None,
    }
    everywhere = {"participants": [{"sessions": [{"ani": "x", "flow": added} | added] * 2} | added]} | added
    told = page(conversation("a", **everywhere))
    others = [
        {"participants": [{"sessions": [{}, added]}, {}]},
        {},
        {"text": 5, "none": {"b": "c"}},
        everywhere,
    ]
    later = [page(*(conversation(str(number), **each) for number, each in enumerate(others)))] * 2
    learned = Learned()
    decode([told], learned=learned)
    expected = decoding._joined([decoding._repaired(body, "conversations") for body in later])
    no_other_way = AssertionError("another way than by what was learned")
    with (
        patch.object(decoding, "find_additions", side_effect=no_other_way),
        patch.object(decoding, "_repaired", side_effect=no_other_way),
    ):
        assert_same(decode(later, learned=learned), expected)
    assert expected.unknown_fields["participants[].sessions[].flow.object"] == 4


@pytest.mark.parametrize(
    ("told", "then", "key"),
    [
        # Each of the declared strings, counted twice, would make up for the unknown field beside it.
        ({"conversationId": "a", "id": "b"}, {"id": "c", "future": "x"}, "entities"),
        (
            {"conversationId": "a", "externalTag": 12},
            conversation("c", externalTag="x", future="x"),
            "conversations",
        ),
    ],
)
def test_what_is_declared_is_never_learned_as_added(told, then, key):
    learned = Learned()
    assert decode([page(told, key=key)], key, learned).unknown_fields
    assert_same(decode([page(then, key=key)], key, learned), decoding._repaired(page(then, key=key), key))


def test_names_without_end_are_not_learned_without_end():
    learned = Learned()
    for number in range(0, 1000, 100):
        fields = {f"f{at}": at for at in range(number, number + 100)}
        assert kept_aside(**fields) == fields
        decode([page(conversation(**fields))], learned=learned)
    assert len(learned._paths) <= 200


def test_an_added_field_is_found_by_its_name():
    body = page(conversation(future={"a": ["x", None]}, externalTag=None, **session(ani="x", other=1.5)))
    assert by_names(body).unknown_fields


def test_what_is_kept_aside_stands_in_the_order_of_its_paths():
    fields = {"zeta": 1, "participants": [{"alpha": 2}]}
    expected = '{"participants[0].alpha":2,"zeta":1}'
    assert row(**fields)["unknownFields"] == row(**fields, selfServed=None)["unknownFields"] == expected


def test_exact_decimals_in_unknown_fields_stay_exact():
    body = page(conversation(future=0)).replace(b'"future":0', b'"future":0.1234567890123456789')
    assert decode([body]).rows["unknownFields"].to_pylist() == ['{"future":0.1234567890123456789}']


@pytest.mark.parametrize(
    "other",
    [
        {"externalTag": None},
        {"externalTag": 'a"b'},
        {"externalTag": '\\"'},
        {"externalTag": ": x"},
        # A key and a value that end in a backslash: taken for escaped quotes, they would hide one key.
        {"participants": [{"attributes": {"a\\": "x\\"}}]},
    ],
)
def test_an_unknown_field_cannot_hide_behind_odd_text(other):
    assert kept_aside(future=1, **other) == {"future": 1}


def test_unknown_enum_values_are_kept_in_their_column():
    read = row(originatingDirection="sideways")
    assert (read["originatingDirection"], read["unknownFields"]) == ("sideways", None)


def test_explicit_nulls_read_as_absent():
    read = row(conversationEnd=None, participants=None, evaluations=[{"queueId": None}])
    assert read["conversationEnd"] is read["participants"] is read["unknownFields"] is None
    assert read["evaluations"][0]["queueId"] is None


def test_an_empty_attributes_map_differs_from_none_at_all():
    participants = row(participants=[{"attributes": {}}, {}, {"attributes": {"a": ""}}])["participants"]
    assert [participant["attributes"] for participant in participants] == [[], None, [("a", "")]]


def test_attribute_values_that_are_no_text_are_kept_aside():
    read = row(participants=[{"attributes": {"Skill.Level": 5, "ANI ": "x"}}])
    assert dict(read["participants"][0]["attributes"]) == {"Skill.Level": None, "ANI ": "x"}
    assert json.loads(read["unknownFields"]) == {'participants[0].attributes["Skill.Level"]': 5}


@pytest.mark.parametrize(
    "text", ["\U0001f600\u0000é", "line\nbreak", 'a "quoted" \\ text', "\u202eabc", "a\\", '":']
)
def test_any_unicode_text_survives(text):
    assert row(externalTag=text)["externalTag"] == text
    assert row(externalTag=text, future=1)["externalTag"] == text


def test_a_lone_surrogate_is_kept_aside_escaped():
    body = page(conversation(externalTag="?")).replace(b'"?"', rb'"\ud800"')
    (read,) = decode([body]).rows.to_pylist()
    assert read["externalTag"] is None
    assert read["unknownFields"] == r'{"externalTag": "\ud800"}'


def test_ids_need_not_be_uuids():
    assert row("ININ-OUTBOUND-PREVIEW-SKIPPED é")["conversationId"] == "ININ-OUTBOUND-PREVIEW-SKIPPED é"


def test_a_conversation_of_five_megabytes_is_one_row():
    segments = [{"subject": "x" * 1000, "segmentType": "interact"}] * 5000
    read = row(**session(segments=segments))
    assert len(sessions_of(read)["segments"]) == 5000


def test_indented_json_reads_like_compact_json():
    record = conversation(**session(ani="tel:+15550100"))
    assert decode([json.dumps({"conversations": [record]}, indent=2).encode()]).rows.equals(
        decode([page(record)]).rows
    )


def test_records_of_a_gateway_have_their_id_in_id():
    record = conversation()
    entity = {"id": record["conversationId"], "conversationStart": record["conversationStart"]}
    decoded = decode([page(entity, key="entities", nextPage="x")], "entities")
    assert decoded.rows.equals(decode([page(record)]).rows)


def test_a_gateway_that_sends_both_ids_loses_neither():
    decoded = decode([page(conversation("a", id="b"), key="entities")], "entities")
    assert decoded.rows["conversationId"].to_pylist() == ["a"]
    assert decoded.rows["unknownFields"].to_pylist() == ['{"id":"b"}']


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'"x"', b'{"conversations":[1]}', b'{"conversations":{}}', b'{"conversations":[{"a":1}]}',
     b'{"conversations":[null]}', b'{"conversations":[{"conversationId":"secret-id"}', b'{"conversations":[{"conversationId":"\xff"}]}'],
)  # fmt: skip
def test_what_is_no_page_of_conversations_is_an_error_without_content(body):
    with pytest.raises(DecodeError) as caught:
        decode([body])
    assert "secret-id" not in str(caught.value)


def test_published_records_of_real_orgs_are_read_whole():
    samples = Path(__file__).parents[3] / "shared" / "samples" / "conversations.json"
    sources = json.loads(samples.read_text()) if samples.exists() else []
    for record in (record for source in sources for record in source["conversations"]):
        decoded = decode([page(record)])
        read = decoded.rows.to_pylist()[0]
        if not decoded.unknown_fields:
            assert msgspec.json.encode(_normalised(as_sent(read)), order="sorted") == msgspec.json.encode(
                _normalised(record), order="sorted"
            )


def _normalised(value):
    """Equal for equal values: timestamps with the same number of digits, whole doubles as integers."""
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.endswith("Z") and value[:2] == "20":
        return pa.scalar(value).cast(pa.timestamp("ms", "UTC")).as_py().isoformat()
    return value
