"""The dialect of gateways: entities with id, and a cursor for the next page."""

import pytest

from genesys_dagster.sandbox.as_of import without_attributes
from genesys_dagster_tests.sandbox.conftest import DETAILS
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY


@pytest.fixture
def ask(api, server):
    server.settings.cursor_dialect = True

    def page(token: str | None = None, size: int = 40):
        body = {"interval": INTERVAL, "paging": {"pageSize": size, "pageNumber": 1}}
        return api.http.post(f"{DETAILS}/query", json=body, params={"pageToken": token} if token else None)

    return page


@pytest.mark.parametrize("carrier", ["both", "header", "body"])
def test_cursors_lead_through_all_entities(ask, server, carrier):
    server.settings.cursor_in = carrier
    rows, answer = [], ask()
    while True:
        rows += answer.json()["entities"]
        in_header, in_body = answer.headers.get("X-Genesys-Next-Page"), answer.json().get("nextPage")
        token = in_header or in_body
        if token is None:
            break
        assert (in_header is not None) == (carrier != "body")
        assert (in_body is not None) == (carrier != "header")
        answer = ask(token)
    expected = [without_attributes(record) for record in server.org.day(MONDAY)]
    for record in expected:
        record["id"] = record.pop("conversationId")
    assert rows == expected


def test_a_wrong_token_is_refused(ask):
    assert ask("nonsense").json()["code"] == "invalid.query.param.value"


def test_a_cursor_that_repeats_itself_does_so_for_ever(ask, server):
    server.faults.repeat_cursor = True
    token = ask().json()["nextPage"]
    assert ask(token).json()["nextPage"] == token


def test_an_empty_day_has_no_entities(ask, api):
    body = {"interval": "2027-01-01T00:00:00Z/2027-01-02T00:00:00Z"}
    assert api.http.post(f"{DETAILS}/query", json=body).json() == {"entities": []}
