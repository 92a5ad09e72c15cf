"""Aggregates and conversations by id, as the client reads them."""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest

from genesys_dagster.genesys.aggregates import Aggregate, any_of, conversation_aggregates
from genesys_dagster.genesys.by_id import conversation_starts
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.settings import ClientSettings

DAY = Interval(datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC))


def run(question, *answers):
    """Ask with a client that gets these answers; returns the result and the requests."""
    waiting, requests = list(answers), []

    def answer(request):
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        requests.append(request)
        return httpx.Response(200, json=waiting.pop(0))

    async def go():
        settings = ClientSettings(client_id="i", client_secret="s", max_attempts=1)
        async with GenesysClient(settings, transport=httpx.MockTransport(answer)) as client:
            return await question(client)

    return asyncio.run(go()), requests


def metric(name, **stats):
    return {"metric": name, "stats": stats}


def test_every_metric_of_every_group_and_subinterval_is_read():
    body = {
        "results": [
            {
                "group": {"queueId": "q", "mediaType": "voice"},
                "data": [
                    {"interval": "a/b", "metrics": [metric("nOffered", count=2)]},
                    {"interval": "b/c", "metrics": [metric("tTalk", count=1, sum=5.5, min=5.5, max=5.5)]},
                    {
                        "interval": "b/c",
                        "metrics": [
                            metric("oServiceLevel", ratio=0.5, numerator=1, denominator=2, target=0.8)
                        ],
                    },
                ],
            },
            {"data": [{"interval": "a/b", "metrics": [metric("tTalk", count=1, sum=7)]}]},
        ]
    }
    found, (request,) = run(
        lambda client: conversation_aggregates(
            client,
            DAY,
            metrics=["nOffered"],
            granularity="PT30M",
            filters=any_of("queueId", ["q", None]),
        ),
        body,
    )
    group = {"queueId": "q", "mediaType": "voice"}
    assert found == [
        Aggregate(group, "a/b", "nOffered", 2),
        Aggregate(group, "b/c", "tTalk", 1, 5.5, 5.5, 5.5),
        Aggregate(group, "b/c", "oServiceLevel", 0, numerator=1.0, denominator=2.0),
        Aggregate({}, "a/b", "tTalk", 1, 7.0),
    ]
    assert json.loads(request.content) == {
        "interval": "2026-05-12T00:00:00.000Z/2026-05-13T00:00:00.000Z",
        "groupBy": ["queueId", "mediaType"],
        "metrics": ["nOffered"],
        "granularity": "PT30M",
        "filter": {
            "type": "and",
            "clauses": [
                {
                    "type": "or",
                    "predicates": [
                        {"type": "dimension", "dimension": "queueId", "operator": "matches", "value": "q"},
                        {"type": "dimension", "dimension": "queueId", "operator": "notExists"},
                    ],
                }
            ],
        },
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"results": None},
        {"results": []},
        {"results": [{"group": {}, "data": None}]},
        {"results": [{"data": [{"interval": "a/b"}]}]},
    ],
)
def test_no_results_are_no_aggregates(body):
    found, _ = run(lambda client: conversation_aggregates(client, DAY), body)
    assert found == []


@pytest.mark.parametrize(
    "body",
    [
        {"results": ["x"]},
        {"results": [{"data": [{"metrics": [metric("nOffered", count=1)]}]}]},
        {"results": [{"data": [{"interval": "a/b", "metrics": [metric("nOffered", count="many")]}]}]},
        {"results": 5},
    ],
)
def test_another_shape_is_an_error(body):
    with pytest.raises(MalformedResponseError, match="shape of aggregates"):
        run(lambda client: conversation_aggregates(client, DAY), body)


def test_starts_are_asked_for_in_portions_and_unknown_ids_are_missing():
    ids = [f"id-{n}" for n in range(120)]

    def answer(portion):
        return {
            "conversations": [
                {"conversationId": each, "conversationStart": "2026-05-12T10:00:00.000Z"}
                for each in portion
                if each != "id-7"
            ]
        }

    starts, requests = run(
        lambda client: conversation_starts(client, ids),
        answer(ids[:50]),
        answer(ids[50:100]),
        {**answer(ids[100:])},
    )
    assert set(starts) == set(ids) - {"id-7"}
    assert starts["id-1"] == datetime(2026, 5, 12, 10, tzinfo=UTC)
    assert [len(request.url.params["id"].split(",")) for request in requests] == [50, 50, 20]


def test_no_ids_need_no_request():
    assert run(lambda client: conversation_starts(client, [])) == ({}, [])
