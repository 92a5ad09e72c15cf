"""Whatever a page holds, decoding it gives the rows of the careful way or a `DecodeError`, nothing else."""

import json

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_dagster.records import decode as decoding
from genesys_dagster.records.decode import decode
from genesys_dagster.records.errors import DecodeError
from genesys_dagster_tests.genesys.near_json import BODIES, OBJECTS

thorough = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = st.sampled_from(["conversations", "entities"])


def outcome(read):
    """The rows, as Arrow: Python's datetimes do not hold every instant."""
    try:
        return read().rows
    except DecodeError:
        return DecodeError


@thorough
@given(BODIES, KEYS)
def test_no_body_raises_anything_but_a_decode_error(body, key):
    outcome(lambda: decode([body], key))


@thorough
@given(st.lists(OBJECTS, max_size=3), KEYS, st.booleans())
def test_every_page_gives_the_rows_of_the_careful_way(records, key, is_compact):
    sent = [{**record, "conversationId": str(number)} for number, record in enumerate(records)]
    separators = (",", ":") if is_compact else None
    body = json.dumps({key: sent}, separators=separators).encode()
    careful = outcome(lambda: decoding._repaired(body, key))
    assert outcome(lambda: decode([body], key)) == careful
    twice = careful if careful is DecodeError else pa.concat_batches([careful] * 2)
    assert outcome(lambda: decode([body, body], key)) == twice


def test_a_nul_in_a_value_of_the_wrong_type_is_kept_aside_and_ends_no_process():
    misfit = {"a": ["\0"]}
    body = json.dumps({"conversations": [{"conversationId": "0", "evaluations": misfit}]}).encode()
    for page in (body, body.replace(b" ", b"")):
        (row,) = decode([page]).rows.to_pylist()
        assert json.loads(row["unknownFields"]) == {"evaluations": misfit}
