"""Whatever a server answers, a reader raises an error of ours or returns what was sent, nothing else."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from genesys_dagster.genesys import jobs, oauth
from genesys_dagster.genesys.activity import _reaches_into
from genesys_dagster.genesys.aggregates import read_aggregates
from genesys_dagster.genesys.availability import read_availability
from genesys_dagster.genesys.by_id import read_starts
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.pages import Page, read_envelope
from genesys_dagster.genesys.paging import read_listing_page
from genesys_dagster.genesys.responses import Received, Response
from genesys_dagster_tests.genesys.fakes import DAY
from genesys_dagster_tests.genesys.fakes import settings as client_settings
from genesys_dagster_tests.genesys.near_json import BODIES, OBJECTS

thorough = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
READERS = [
    read_listing_page,
    read_starts,
    read_availability,
    read_aggregates,
    jobs._read_job_id,
    Response.json,
]


def read(reader, body):
    """What a reader makes of a body; None if it refuses."""
    try:
        return reader(Response(200, {}, body))
    except GenesysError:
        return None


@pytest.mark.parametrize("reader", [*READERS, read_envelope])
@thorough
@given(body=BODIES)
def test_no_reader_raises_anything_but_an_error_of_ours(reader, body):
    read(reader, body)


@thorough
@given(body=BODIES)
def test_the_reader_of_the_last_page_of_a_sweep_raises_nothing_else(body):
    read(lambda response: _reaches_into(Page(response.body, "conversations", 1), DAY), body)


@thorough
@given(sent=OBJECTS)
def test_an_envelope_says_what_was_sent(sent):
    envelope = read(read_envelope, json.dumps(sent).encode())
    if envelope is None:
        return
    records = sent.get("conversations")
    records = sent.get("entities") if records is None else records
    assert envelope.page.records == len(records or ())
    assert envelope.has_list == (records is not None)
    assert envelope.next_cursor == (sent.get("nextPage") or sent.get("cursor") or None)


@thorough
@given(sent=OBJECTS)
def test_a_listing_says_what_was_sent(sent):
    listing = read(read_listing_page, json.dumps(sent).encode())
    if listing is not None:
        assert listing.entities == (sent.get("entities") or [])


@thorough
@given(sent=OBJECTS)
def test_what_looks_like_an_error_is_no_page(sent):
    sent = {**sent, "message": "no", "code": "internal", "status": 500}
    sent.pop("conversations", None)
    sent.pop("entities", None)
    for reader in (*READERS, read_envelope):
        assert read(reader, json.dumps(sent).encode()) is None


@thorough
@given(body=BODIES)
def test_no_answer_of_the_login_raises_anything_but_an_error_of_ours(body):
    async def post(url, headers, content):
        return Received(200, {}, body)

    async def log_in():
        return await oauth.issue_over_http(client_settings(), post, None)

    import asyncio

    try:
        grant = asyncio.run(log_in())
    except GenesysError:
        return
    assert isinstance(grant.access_token, str)
    assert grant.access_token
