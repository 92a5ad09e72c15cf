"""Users' aggregates, as the client asks for and reads them."""

import asyncio
import json

import httpx
import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError, PermissionDeniedError, RequestRejectedError
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster.genesys.user_aggregates import METRICS, Category, user_aggregates
from genesys_dagster_tests.genesys.test_aggregates import DAY


def ask(answer, users=("u",)):
    """Ask a server that answers so, given the body of a question; what was read, and the questions."""
    asked = []

    def serve(request):
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "a-token-of-the-test", "expires_in": 3600})
        asked.append(json.loads(request.content))
        given = answer(asked[-1])
        return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

    async def go():
        settings = ClientSettings(client_id="an-id", client_secret="a-secret-of-the-test", max_attempts=1)
        async with GenesysClient(settings, transport=httpx.MockTransport(serve)) as client:
            return await user_aggregates(client, DAY, users)

    return asyncio.run(go()), asked


def of_metric(name, qualifier, total):
    return {"metric": name, "qualifier": qualifier, "stats": {"sum": total}}


def test_subintervals_of_a_group_are_added_up_and_what_has_no_category_is_left_out():
    buckets = [
        {"interval": "a/b", "metrics": [of_metric("tSystemPresence", "MEAL", 1.5)]},
        {"interval": "b/c", "metrics": [of_metric("tSystemPresence", "MEAL", 2)]},
        {
            "interval": "c/d",
            "metrics": [of_metric("tSystemPresence", None, 7), {"metric": "tSystemPresence"}],
        },
    ]
    body = {
        "systemToOrganizationMappings": {"OFFLINE": ["x", "y"]},
        "results": [{"group": {"userId": "u"}, "data": buckets}, {"group": {"userId": "v"}}],
    }
    found, (question,) = ask(lambda _: body)
    assert found.milliseconds == {Category("u", "tSystemPresence", "MEAL"): 3.5}
    assert found.definitions == {"OFFLINE": {"x", "y"}}
    assert question == {
        "interval": "2026-05-12T00:00:00.000Z/2026-05-13T00:00:00.000Z",
        "groupBy": ["userId"],
        "metrics": list(METRICS),
        "filter": {
            "type": "and",
            "clauses": [
                {
                    "type": "or",
                    "predicates": [
                        {"type": "dimension", "dimension": "userId", "operator": "matches", "value": "u"}
                    ],
                }
            ],
        },
    }


def predicates(question):
    (clause,) = question["filter"]["clauses"]
    return clause["predicates"]


@pytest.mark.parametrize(("count", "questions"), [(0, []), (1, [1]), (100, [100]), (201, [100, 100, 1])])
def test_a_hundred_users_at_most_are_asked_about_at_once(count, questions):
    def answer(question):
        users = [predicate["value"] for predicate in predicates(question)]
        metrics = [of_metric("tAgentRoutingStatus", "IDLE", 5)]
        return {"results": [{"group": {"userId": user}, "data": [{"metrics": metrics}]} for user in users]}

    users = [str(number) for number in range(count)]
    found, asked = ask(answer, users)
    assert [len(predicates(question)) for question in asked] == questions
    assert found.requests == len(questions)
    assert {category.user for category in found.milliseconds} == set(users)


def refusing(refused, say):
    def answer(question):
        if unknown := [name for name in question["metrics"] if name in refused]:
            return httpx.Response(400, json={"code": "bad.request", "message": say(unknown)})
        metrics = [of_metric(name, "A", 1) for name in question["metrics"]]
        return {"results": [{"group": {"userId": "u"}, "data": [{"metrics": metrics}]}]}

    return answer


@pytest.mark.parametrize(
    "say", [lambda unknown: f"Invalid metric: {unknown[0]}", lambda _: "Requested metrics are not supported."]
)
@pytest.mark.parametrize("refused", [{"tOrganizationPresence"}, {"tSystemPresence", "tAgentRoutingStatus"}])
def test_refused_metrics_are_left_out_and_told_and_not_asked_for_again(refused, say):
    found, asked = ask(refusing(refused, say), [str(number) for number in range(250)])
    assert set(found.refused) == refused
    assert {category.metric for category in found.milliseconds} == set(METRICS) - refused
    assert not any(refused & set(question["metrics"]) for question in asked[-2:])
    assert len(asked) <= 3 + 2 * len(METRICS)


def test_where_all_are_refused_nothing_is_asked_any_more():
    found, asked = ask(refusing(set(METRICS), lambda unknown: f"Invalid metric: {unknown[0]}"), ["u"] * 300)
    assert (set(found.refused), found.milliseconds, len(asked)) == (set(METRICS), {}, len(METRICS))


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, PermissionDeniedError), (404, RequestRejectedError), (400, RequestRejectedError)],
)
def test_another_refusal_is_an_error(status, error):
    with pytest.raises(error):
        ask(lambda _: httpx.Response(status, json={"code": "no", "message": "The interval is too long."}))


@pytest.mark.parametrize(
    "body",
    [
        {"results": [{"data": []}]},
        {"results": [{"group": None}]},
        {"results": 7},
        [],
        {"results": [{"group": {"userId": "u"}, "data": [{"metrics": [of_metric("t", "A", "much")]}]}]},
        {"systemToOrganizationMappings": []} | {"results": [1]},
    ],
)
def test_an_answer_of_another_shape_is_an_error_and_an_empty_one_is_none(body):
    with pytest.raises(MalformedResponseError):
        ask(lambda _: body)
    assert ask(lambda _: {})[0].milliseconds == {}
