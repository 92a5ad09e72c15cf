"""Refused metrics: left out and told, whatever words the refusal has, within a bounded number of requests."""

import asyncio
import json

import httpx
import pytest

from genesys_dagster.genesys.accepted_aggregates import MOST_REQUESTS, accepted_aggregates
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import RequestRejectedError
from genesys_dagster.genesys.metric_names import COMMON_METRICS
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster_tests.genesys.test_aggregates import DAY


def ask(refused, say):
    """Ask a server that refuses these names in these words; the metrics answered, those refused, and all requests."""
    asked = []

    def answer(request):
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "a-token-of-the-test", "expires_in": 3600})
        metrics = json.loads(request.content)["metrics"]
        asked.append(metrics)
        if unknown := [name for name in metrics if name in refused]:
            return httpx.Response(400, json={"code": "bad.request", "status": 400, **say(unknown)})
        sums = [{"metric": name, "stats": {"count": 1}} for name in metrics]
        return httpx.Response(200, json={"results": [{"data": [{"interval": "a/b", "metrics": sums}]}]})

    async def go():
        settings = ClientSettings(client_id="an-id", client_secret="a-secret-of-the-test", max_attempts=1)
        async with GenesysClient(settings, transport=httpx.MockTransport(answer)) as client:
            return await accepted_aggregates(client, DAY)

    try:
        found, left_out = asyncio.run(go())
    finally:
        ask.requests = len(asked)
    return sorted(each.metric for each in found), left_out


@pytest.mark.parametrize(
    "say",
    [
        lambda unknown: {"message": f"Invalid metric: {unknown[0]}"},
        lambda unknown: {"message": f"Invalid metric: {unknown[0]}", "messageParams": {"metric": unknown[0]}},
        lambda unknown: {"message": f"Value [{unknown[-1]}] is not valid for field type [metrics]."},
    ],
)
def test_a_refused_name_costs_one_more_request(say):
    found, refused = ask({"tPark", "nConsult"}, say)
    assert refused == ("nConsult", "tPark")
    assert found == sorted(set(COMMON_METRICS) - {"tPark", "nConsult"})
    assert ask.requests == 3


def test_a_name_that_is_not_told_is_searched_for_by_halves():
    found, refused = ask({"tPark"}, lambda _: {"message": "Requested metrics are not supported."})
    assert (refused, len(found)) == (("tPark",), len(COMMON_METRICS) - 1)
    assert ask.requests <= 16


@pytest.mark.parametrize(
    ("refused", "message", "requests"),
    [
        ({"tPark"}, "The interval is too long.", 1),
        (set(COMMON_METRICS), "Requested metrics are not supported.", MOST_REQUESTS),
        (set(COMMON_METRICS), "Invalid metric", MOST_REQUESTS),
    ],
)
def test_another_reason_or_too_many_refusals_are_an_error(refused, message, requests):
    with pytest.raises(RequestRejectedError, match=message.split()[0]):
        ask(refused, lambda _: {"message": message})
    assert ask.requests <= requests


def test_one_refused_after_the_other_ends_at_the_bound():
    with pytest.raises(RequestRejectedError, match="Invalid metric"):
        ask(set(COMMON_METRICS), lambda unknown: {"message": f"Invalid metric: {unknown[0]}"})
    assert ask.requests == MOST_REQUESTS
