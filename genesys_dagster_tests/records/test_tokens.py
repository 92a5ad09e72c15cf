"""Counting proves that nothing was changed on the way: also where one change would make up for another."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records import decode as decoding
from genesys_dagster.records.decode import decode
from genesys_dagster.records.errors import DoubtError
from genesys_dagster.records.tokens import tokens_of_json
from genesys_dagster.records.wire import TIMESTAMP_NAMES

ISO = "2026-05-12T09:00:00.000Z"
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 1_778_576_400_000, 1_778_576_400_000_000_000, 1.5, 1e18, -1e6]),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**43).map(lambda number: number * 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(NUMBERS.map(str), st.sampled_from(["7", "1e3", "-0", " 5", "NaN", "inf"]))


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


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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


def test_what_was_found_in_a_fault_test_is_kept_aside():
    (row,) = decode([page([record("a", 5, ISO, "7")])]).rows.to_pylist()
    assert (row["conversationStart"], row["conversationEnd"] is None) == (None, False)
    assert json.loads(row["unknownFields"])["conversationStart"] == 5


@pytest.mark.parametrize("name", sorted(name.decode() for name in TIMESTAMP_NAMES))
@pytest.mark.parametrize("at", [0, 7, -1])
def test_a_number_after_the_name_of_an_instant_is_seen_however_it_is_written(name, at):
    escaped = name[:at] + f"\\u{ord(name[at]):04x}" + (name[at + 1 :] if at != -1 else "")
    for written in (name, escaped):
        for space in ("", " "):
            for value in ("0", "-5", "1e9"):
                text = f'{{"conversations":[{{"conversationId":"a","{written}":{space}{value}}}]}}'
                with pytest.raises(DoubtError):
                    tokens_of_json(text.encode())


@pytest.mark.parametrize("text", ['{"a":1}', '{"a":-1}', '{"value": 3,"x":"y"}', "{}", '{"emitDate":"x"}'])
def test_other_numbers_hold_up_nothing(text):
    assert sum(tokens_of_json(text.encode())) == text.count('"') // 2
