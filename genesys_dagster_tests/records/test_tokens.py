"""Counting proves that nothing was changed on the way: also where one change would make up for another."""

import json
from datetime import timedelta, timezone
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records import decode as decoding
from genesys_dagster.records import tokens
from genesys_dagster.records.decode import decode
from genesys_dagster.records.tokens import scan
from genesys_dagster.records.wire import RECORD_FIELDS

ISO = "2026-05-12T09:00:00.000Z"
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 1_778_576_400_000, 1_778_576_400_000_000_000, 1.5, 1e18, -1e6]),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**43).map(lambda number: number * 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(NUMBERS.map(str), st.sampled_from(["7", "1e3", "-0", " 5", "NaN", "inf"]))
ZONES = st.timezones() | st.integers(-1439, 1439).map(lambda minutes: timedelta(minutes=minutes)).map(
    timezone
)
INSTANTS = st.one_of(
    st.datetimes(timezones=st.none() | ZONES, allow_imaginary=False).flatmap(
        lambda moment: st.sampled_from(
            [
                moment.isoformat(sep, precision)
                for sep in "T t"
                for precision in ("auto", "minutes", "hours", "milliseconds")
            ]
        )
    ),
    st.from_regex(
        r"\A\d{4}-?\d\d-?\d\d([T ]\d\d(:?\d\d(:?\d\d([.,]\d{0,12})?)?)?)?(Z|z|[+-]\d\d(:?\d\d)?)?\Z"
    ),
    st.text(max_size=25),
)
WRITTEN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab":\\\n\0é\u2028 '), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from('ab":\\ '), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def record(identity, start, end, value):
    metrics = [{"name": "tTalk", "value": value, "emitDate": start}]
    return {
        "conversationId": identity,
        "conversationStart": start,
        "conversationEnd": end,
        "participants": [{"sessions": [{"metrics": metrics}]}],
    }


def page(records, **options):
    return json.dumps({"conversations": records}, **({"separators": (",", ":")} | options)).encode()


def strings_in(value):
    if isinstance(value, dict):
        return sum(1 + strings_in(member) for member in value.values())
    if isinstance(value, list):
        return sum(map(strings_in, value))
    return int(isinstance(value, str))


def has_nul(value):
    if isinstance(value, dict):
        return any("\0" in name or has_nul(member) for name, member in value.items())
    if isinstance(value, list):
        return any(map(has_nul, value))
    return isinstance(value, str) and "\0" in value


@thorough
@given(WRITTEN, st.booleans(), st.booleans(), st.sampled_from([0, 1, 20_000]), st.sampled_from([1, 7, 2**18]))
def test_strings_are_counted_however_they_are_written(value, is_compact, is_ascii, many, chunk):
    separators = (",", ":") if is_compact else (" ,\n", " : ")
    text = json.dumps(value, separators=separators, ensure_ascii=is_ascii).encode()
    with patch.object(tokens, "_MANY_ESCAPES", many), patch.object(tokens, "_CHUNK", chunk):
        found = scan(text)
    assert found.has_nul == has_nul(value)
    if not found.has_nul:  # what has one is not read the fast way, however many strings it has
        assert found.strings == strings_in(value)


@thorough
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(ISO), NUMBERS), st.one_of(st.just(ISO), NUMBERS), st.one_of(NUMBERS, TEXTS)
        ),
        max_size=4,
    )
)
def test_numbers_for_instants_and_texts_for_numbers_never_make_up_for_each_other(values):
    body = page([record(str(number), *of_it) for number, of_it in enumerate(values)])
    careful = decoding._repaired(body, "conversations")
    assert decode([body]).rows.to_pylist() == careful.rows.to_pylist()
    for row, (start, end, _) in zip(decode([body]).rows.to_pylist(), values, strict=True):
        assert (row["conversationStart"] is None) == (start != ISO)
        assert (row["conversationEnd"] is None) == (end != ISO)


@thorough
@given(st.lists(INSTANTS, min_size=1, max_size=3))
def test_instants_in_any_writing_are_read_as_the_careful_way_reads_them(texts):
    body = page([record(str(number), text, ISO, 1) for number, text in enumerate(texts)])
    assert decode([body]).rows.equals(decoding._repaired(body, "conversations").rows)


def test_what_was_found_in_a_fault_test_is_kept_aside():
    (row,) = decode([page([record("a", 5, ISO, "7")])]).rows.to_pylist()
    assert (row["conversationStart"], row["conversationEnd"] is None) == (None, False)
    assert json.loads(row["unknownFields"])["conversationStart"] == 5


INSTANTS_OF_RECORDS = [each.name for each in RECORD_FIELDS if str(each.type).startswith("timestamp")]


@pytest.mark.parametrize("name", INSTANTS_OF_RECORDS)
@pytest.mark.parametrize("at", [0, 7, -1])
def test_a_number_after_the_name_of_an_instant_is_kept_aside_however_it_is_written(name, at):
    escaped = name[:at] + f"\\u{ord(name[at]):04x}" + (name[at + 1 :] if at != -1 else "")
    for written in (name, escaped):
        for space in ("", " "):
            for value in ("0", "-5", "1e9"):
                text = f'{{"conversations":[{{"conversationId":"a","{written}"{space}:{space}{value}}}]}}'
                (row,) = decode([text.encode()]).rows.to_pylist()
                assert row[name] is None
                assert json.loads(row["unknownFields"]) == {name: json.loads(value)}
