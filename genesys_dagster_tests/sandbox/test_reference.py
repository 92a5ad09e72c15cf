"""Listings of reference entities, and conversations by id."""

import pytest

from genesys_dagster_tests.sandbox.conftest import DETAILS
from genesys_dagster_tests.sandbox.test_query import MONDAY, ids

MODELS = {
    "/api/v2/users": "User",
    "/api/v2/routing/queues": "Queue",
    "/api/v2/routing/wrapupcodes": "WrapupCode",
    "/api/v2/authorization/divisions": "AuthzDivision",
    "/api/v2/routing/skills": "RoutingSkill",
    "/api/v2/routing/languages": "Language",
}


@pytest.mark.parametrize("path", MODELS)
def test_a_listing_is_paged_by_next_uri(api, path):
    entities, uri = [], f"{path}?pageSize=4"
    while uri:
        page = api.http.get(uri).json()
        entities += page["entities"]
        uri = page.get("nextUri")
    assert len(entities) == page["total"]
    assert page["pageCount"] == page["pageNumber"] == -(-len(entities) // 4)
    assert ("previousUri" in page) == (page["pageCount"] > 1)
    assert len({entity["id"] for entity in entities}) == len(entities)
    whole = api.http.get(path, params={"pageSize": 10_000}).json()
    assert whole["entities"] == entities
    assert whole["pageSize"] == 500  # the server's word counts


def test_a_page_has_25_entities_unless_told_otherwise_and_may_lie_behind_the_last(api, server):
    assert api.http.get("/api/v2/users").json()["pageSize"] == 25
    beyond = api.http.get("/api/v2/users", params={"pageNumber": 99}).json()
    assert beyond["entities"] == []
    assert "nextUri" not in beyond
    assert api.http.get("/api/v2/users", params={"pageSize": "x"}).status_code == 400


def test_inactive_and_deleted_users_are_listed_only_when_asked_for(api, server):
    def states(**params) -> set[str]:
        return {
            user["state"]
            for user in api.http.get("/api/v2/users", params={"pageSize": 500, **params}).json()["entities"]
        }

    assert states() == {"active"}
    assert states(state="any") > {"active"}
    assert states(state="deleted") == {"deleted"}


def test_a_name_narrows_the_listing(api):
    found = api.http.get("/api/v2/routing/queues", params={"name": "support"}).json()["entities"]
    assert [queue["name"] for queue in found] == ["Technical Support"]


def test_a_conversation_by_its_id(api, server):
    record = server.org.day(MONDAY)[3]
    answer = api.http.get(f"/api/v2/analytics/conversations/{record['conversationId']}/details")
    assert answer.json()["conversationId"] == record["conversationId"]
    assert "attributes" not in answer.text
    unknown = api.http.get("/api/v2/analytics/conversations/00000000-0000-4000-a000-000000000000/details")
    assert unknown.json()["code"] == "not.found"


def test_several_conversations_by_their_ids(api, server):
    wanted = ids(server.org.day(MONDAY)[:3])
    answer = api.http.get(DETAILS, params={"id": ",".join([*wanted, "unknown"])})
    assert ids(answer.json()["conversations"]) == wanted
    assert api.http.get(DETAILS, params={"id": "unknown"}).text == "{}"
    assert api.http.get(DETAILS).status_code == 400
