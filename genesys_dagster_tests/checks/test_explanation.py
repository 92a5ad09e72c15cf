"""What other days' conversations count in many queues is taken out, with few questions."""

import asyncio
import json
from collections import Counter

import httpx
import pytest

from genesys_dagster.checks.comparison import by_cell, compare
from genesys_dagster.checks.explanation import explain
from genesys_dagster.checks.metric_totals import Cell, Total
from genesys_dagster.genesys.aggregates import AGGREGATES_PATH, conversation_aggregates
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster_tests.genesys.test_aggregates import DAY

MEDIA = ("voice", "email", None)


class Org:
    """Counts what was offered, by the fields that a query groups by; every conversation "old…" began the day before."""

    def __init__(self, offered):
        self.offered, self.questions = offered, []

    def answer(self, request):
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "a-token", "expires_in": 3600})
        if request.url.path == AGGREGATES_PATH:
            return httpx.Response(200, json=self._sums(json.loads(request.content)))
        days = {"old": "2026-05-11", "new": "2026-05-12"}
        return httpx.Response(
            200,
            json={
                "conversations": [
                    {"conversationId": each, "conversationStart": f"{days[each[:3]]}T10:00:00.000Z"}
                    for each in request.url.params["id"].split(",")
                ]
            },
        )

    def _sums(self, body):
        self.questions.append(body)
        wanted = [
            each.get("value")
            for each in (body["filter"]["clauses"][0]["predicates"] if "filter" in body else ())
        ]
        sums = Counter(
            tuple((name, row[name]) for name in body["groupBy"] if row[name])
            for row in self.offered
            if not wanted or row["queueId"] in wanted
        )
        return {
            "results": [
                {
                    "group": dict(group),
                    "data": [
                        {"interval": "a/b", "metrics": [{"metric": "nOffered", "stats": {"count": count}}]}
                    ],
                }
                for group, count in sums.items()
            ]
        }

    def compare(self):
        """The partition holds what is new, save `new-lost`; the differences left, and what was found out."""
        held = [row for row in self.offered if row["conversationId"].startswith("new-held")]
        counts = Counter(Cell(row["queueId"], row["mediaType"], "nOffered") for row in held)
        ours = {cell: Total(count, float(count)) for cell, count in counts.items()}

        async def go():
            settings = ClientSettings(client_id="an-id", client_secret="a-secret", max_attempts=1)
            async with GenesysClient(settings, transport=httpx.MockTransport(self.answer)) as client:
                theirs = by_cell(await conversation_aggregates(client, DAY))
                differences = compare(ours, theirs).differences
                found = await explain(
                    client, DAY, theirs, differences, {row["conversationId"] for row in held}
                )
                return compare(ours, found.theirs).differences, found

        return asyncio.run(go())


def org(queues):
    """Each queue and medium has a conversation of the day, and one of the day before."""
    return Org(
        [
            {"conversationId": f"{age}-{queue}-{media}", "queueId": queue, "mediaType": media}
            for age in ("old", "new-held")
            for queue in [*(f"queue {n}" for n in range(queues - 1)), None]
            for media in MEDIA
        ]
    )


@pytest.mark.parametrize(("queues", "most"), [(1, 1), (84, 1), (500, 6), (2_000, 21)])
def test_carry_over_in_any_number_of_queues_is_explained(queues, most):
    asked = org(queues)
    differences, found = asked.compare()
    assert differences == []
    assert (found.carried_over, found.missing, found.limit) == (queues * len(MEDIA), [], None)
    assert len(asked.questions) <= 1 + most


def test_one_that_is_missing_among_many_queues_is_found():
    asked = org(84)
    asked.offered.append({"conversationId": "new-lost", "queueId": "queue 80", "mediaType": "email"})
    differences, found = asked.compare()
    assert [each.cell for each in differences] == [Cell("queue 80", "email", "nOffered")]
    assert found.missing == ["new-lost"]
