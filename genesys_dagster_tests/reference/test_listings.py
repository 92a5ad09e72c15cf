"""Listings read over the wire."""

import asyncio

import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError, PermissionDeniedError
from genesys_dagster.genesys.reference import LISTINGS, Listing, read_listing
from genesys_dagster.genesys.settings import ClientSettings


@pytest.fixture
def read(sandbox):
    settings = ClientSettings(
        client_id="sandbox", client_secret="sandbox-secret", api_url=sandbox.url, login_url=sandbox.url
    )

    async def run(listing):
        async with GenesysClient(settings) as client:
            return [entity async for entity in read_listing(client, listing)]

    return lambda listing: asyncio.run(run(listing))


@pytest.mark.parametrize("name", LISTINGS)
def test_small_pages_lose_and_repeat_nothing(read, sandbox, name):
    sandbox.settings.max_listing_page_size = 500
    whole = read(LISTINGS[name])
    sandbox.settings.max_listing_page_size = 2  # the server's word counts, whatever was asked for
    assert read(LISTINGS[name]) == whole
    assert len(whole) > 2
    assert len({entity["id"] for entity in whole}) == len(whole)


def test_an_entity_that_moves_between_pages_comes_once(read, sandbox, monkeypatch):
    queues = sandbox.org.directory.queues
    monkeypatch.setattr(sandbox.org.directory, "queues", [*queues[:3], queues[2], *queues[3:]])
    assert read(LISTINGS["queues"]) == queues


def test_a_missing_permission_is_an_error_of_its_own(read, sandbox):
    sandbox.settings.permissions.discard("groups:team:view")
    try:
        with pytest.raises(PermissionDeniedError, match="groups:team:view"):
            read(LISTINGS["teams"])
    finally:
        sandbox.settings.permissions.add("groups:team:view")


def test_what_is_no_listing_is_said(read, sandbox, monkeypatch):
    monkeypatch.setattr(sandbox.org.directory, "skills", [{"name": "without id"}])
    with pytest.raises(MalformedResponseError, match="without id"):
        read(LISTINGS["skills"])


def test_an_unknown_path_is_refused(read):
    with pytest.raises(Exception, match="/api/v2/nowhere"):
        read(Listing("nowhere", "/api/v2/nowhere"))
