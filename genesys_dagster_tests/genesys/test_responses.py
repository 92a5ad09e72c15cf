import contextlib
import gzip
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.complaints import Complaint, read_complaint, rejection
from genesys_dagster.genesys.errors import (
    AuthenticationError,
    GenesysError,
    MalformedResponseError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.pages import read_envelope
from genesys_dagster.genesys.responses import Response, inflate
from genesys_dagster_tests.genesys.fakes import QUERY, error_body


@settings(deadline=None)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=3))
def test_gzip_bodies_of_one_or_several_members_are_inflated(parts):
    assert inflate(b"".join(gzip.compress(part) for part in parts), "gzip") == b"".join(parts)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2000), st.data())
def test_a_gzip_body_that_is_cut_off_anywhere_is_noticed(content, data):
    whole = gzip.compress(content)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(MalformedResponseError):
        inflate(cut, "gzip")


def test_a_damaged_gzip_body_is_noticed():
    whole = bytearray(gzip.compress(b"x" * 1000))
    whole[-6] ^= 1  # checksum
    with pytest.raises(MalformedResponseError, match="damaged"):
        inflate(bytes(whole), "gzip")


def test_an_encoding_that_was_not_asked_for_is_refused():
    with pytest.raises(MalformedResponseError, match="deflate"):
        inflate(zlib.compress(b"{}"), "deflate")


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_a_plain_body_passes(encoding):
    assert inflate(b"{}", encoding) == b"{}"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (
            json.dumps(error_body("a.code", "some\n words")).encode(),
            Complaint("some words", "a.code", "ctx-1"),
        ),
        (
            b'{"error": "invalid_client", "description": "client not found"}',
            Complaint("client not found", "invalid_client", "hdr"),
        ),
        (b'{"error": "x", "error_description": "y"}', Complaint("y", "x", "hdr")),
        (
            b"<html><head><title>502 Bad\nGateway</title></head></html>",
            Complaint("502 Bad Gateway", None, "hdr"),
        ),
        (b"<html><p>oops</p></html>", Complaint("an HTML page instead of JSON", None, "hdr")),
        (b"upstream connect error", Complaint("upstream connect error", None, "hdr")),
        (b"", Complaint(None, None, "hdr")),
        (b'{"message": {"odd": 1}, "code": 7}', Complaint(None, None, "hdr")),
        (b"[1]", Complaint("[1]", None, "hdr")),
        (
            b'{"message": "user Zoe gone", "messageParams": {"name": "Zoe"}, "code": "a b"}',
            Complaint("user *** gone", None, "hdr"),
        ),
        (b'{"message": "queue X of Y", "entityName": "X"}', Complaint("queue *** of Y", None, "hdr")),
        (
            b'{"message": "page 5 of a:b:c", "messageParams": {"n": "5", "p": "a:b:c", "m": 7}}',
            Complaint("page 5 of a:b:c", None, "hdr"),
        ),
        (b"\xff\xfe", Complaint("\ufffd\ufffd", None, "hdr")),
    ],
)
def test_error_bodies_of_every_kind_are_understood(body, complaint):
    assert read_complaint({"inin-correlation-id": "hdr"}, body) == complaint


def test_a_long_error_text_is_cut():
    assert len(read_complaint({}, b"x" * 5000).message) == 300


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (302, RequestRejectedError, False),
        (400, RequestRejectedError, False),
        (401, AuthenticationError, False),
        (403, PermissionDeniedError, False),
        (404, RequestRejectedError, False),
        (408, ServiceUnavailableError, True),
        (409, RequestRejectedError, False),
        (413, RequestRejectedError, False),
        (429, ServiceUnavailableError, True),
        (500, ServiceUnavailableError, True),
        (503, ServiceUnavailableError, True),
        (504, ServiceUnavailableError, True),
    ],
)
def test_each_status_becomes_the_exception_of_what_can_be_done(status, kind, retryable):
    error = rejection("POST", QUERY, status, Complaint("words", "a.code", "ctx"))
    assert type(error) is kind
    assert error.retryable is retryable
    assert (error.status, error.code, error.message, error.correlation_id) == (
        status,
        "a.code",
        "words",
        "ctx",
    )


def test_an_error_is_one_line_with_everything_that_support_asks_for():
    error = rejection("POST", QUERY, 403, Complaint("No way", "missing.any.permissions", "ctx-9"))
    text = str(error)
    for part in (
        "No way",
        f"POST {QUERY}",
        "HTTP 403",
        "missing.any.permissions",
        "ctx-9",
        "analytics:conversationDetail:view",
        "role",
    ):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("status", "words"), [(408, "in time"), (409, "at the same time"), (413, "larger"), (307, "redirect")]
)
def test_what_a_status_means_is_said_in_plain_words(status, words):
    assert words in str(rejection("POST", QUERY, status, Complaint()))


def test_a_path_without_method_stands_alone():
    error = GenesysError("x", path="/api/v2/y")
    assert str(error) == "x (/api/v2/y)"


def test_a_404_that_is_not_from_genesys_points_at_the_address():
    assert "GENESYSCLOUD_API_URL" in str(rejection("GET", "/x", 404, Complaint("404 page not found")))


@pytest.mark.parametrize(
    "body", [b"{}", b'{"totalHits": 0}', b'{"conversations": null}', b'{"conversations": []}']
)
def test_missing_null_and_empty_arrays_are_empty_pages(body):
    envelope = read_envelope(Response(200, {}, body))
    assert (envelope.page.records, envelope.page.records_key) == (0, "conversations")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"<html>",
        b'{"conversations": [{"a": 1}',
        b'{"conversations": {}}',
        b'{"conversations": [}',
        b'{"totalHits": "x"}',
        b'{"dataAvailabilityDate": "x"}',
    ],
)
def test_a_body_that_is_no_whole_page_is_malformed(body):
    with pytest.raises(MalformedResponseError):
        read_envelope(Response(200, {}, body))


@settings(deadline=None)
@given(st.integers(1, 200))
def test_a_page_cut_off_anywhere_is_noticed(cut):
    body = json.dumps(
        {"conversations": [{"a": 'b]}"', "c": [1, 2, {"d": None}]}] * 5, "totalHits": 5}
    ).encode()
    with pytest.raises(MalformedResponseError):
        read_envelope(Response(200, {}, body[:-cut] if cut < len(body) else b"{"))


@pytest.mark.parametrize("value", [rb'"\ud800"', b"1e400", b"123456789012345678901234567890"])
def test_what_json_allows_and_few_parsers_take_is_a_page(value):
    body = b'{"conversations":[{"odd":' + value + b'}],"totalHits":1,"cursor":"next"}'
    envelope = read_envelope(Response(200, {}, body))
    assert (envelope.page.records, envelope.total_hits, envelope.next_cursor) == (1, 1, "next")
    assert envelope.page.body == body


@pytest.mark.parametrize("value", [rb'"\ud800"', b"1e400", b"[" * 500 + b"]" * 500])
def test_what_json_allows_and_few_parsers_take_is_an_object_and_an_error_and_a_page(value):
    body = b'{"odd":' + value + b',"message":"words","conversations":[]}'
    assert Response(200, {}, body).json()["message"] == "words"
    assert read_complaint({}, body).message == "words"
    assert read_envelope(Response(200, {}, body)).page.records == 0


def test_a_message_with_a_lone_surrogate_can_be_written_to_a_log():
    said = read_complaint({}, rb'{"message": "odd \ud800 words"}')
    assert said.message.encode() == b"odd ? words"


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "limit", "odd"]), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_arbitrary_answers_are_read_or_malformed(body):
    read_complaint({}, body)
    for read in (Response.json, read_envelope):
        with contextlib.suppress(MalformedResponseError):
            read(Response(200, {}, body))


def test_json_nested_without_end_is_malformed():
    with pytest.raises(MalformedResponseError):
        Response(200, {}, b'{"a":' * 200_000).json()


def test_the_page_keeps_the_servers_bytes():
    body = b'{ "conversations" : [ {"conversationId":"1" } ] }'
    assert read_envelope(Response(200, {}, body)).page.body == body
