"""The interactive query: selection, order, paging, limits."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from genesys_dagster.sandbox.as_of import without_attributes
from genesys_dagster_tests.sandbox.conftest import DETAILS, NOW

MONDAY = date(2026, 11, 16)
INTERVAL = "2026-11-16T00:00:00.000Z/2026-11-17T00:00:00.000Z"


def ids(records: list[dict]) -> list[str]:
    return [record["conversationId"] for record in records]


def refusal(answer) -> str:
    assert answer.status_code == answer.json()["status"] == 400
    return answer.json()["message"]


def test_a_day_page_by_page_is_what_the_org_knows_without_attributes(api, server):
    expected = [without_attributes(record) for record in server.org.day(MONDAY)]
    assert api.query_all(INTERVAL, size=37) == expected
    assert api.query(INTERVAL).json()["totalHits"] == len(expected)


def test_all_attributes_are_left_to_the_jobs(api):
    page = api.query(INTERVAL).text
    assert '"attributes"' not in page


def test_without_paging_a_page_has_25_rows(api):
    answer = api.http.post(f"{DETAILS}/query", json={"interval": INTERVAL})
    assert len(answer.json()["conversations"]) == 25


def test_an_interval_without_conversations_answers_an_empty_object(api):
    assert api.query("2027-01-01T00:00:00Z/2027-01-02T00:00:00Z").text == "{}"


def test_a_page_behind_the_last_has_no_array(api):
    body = api.query(INTERVAL, 100, 50).json()
    assert "conversations" not in body
    assert body["totalHits"] > 0


def test_order_desc_is_the_reverse_and_order_by_end_puts_open_ones_last(api):
    ascending = api.query_all(INTERVAL, order="asc", orderBy="conversationStart")
    assert ids(api.query_all(INTERVAL, order="desc")) == ids(ascending)[::-1]
    today = "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z"
    ends = [record.get("conversationEnd", "9") for record in api.query_all(today, orderBy="conversationEnd")]
    assert ends == sorted(ends)
    assert ends[-1] == "9"


def test_conversations_that_started_the_day_before_are_not_found_even_if_active(api, server):
    tuesday = "2026-11-17T00:00:00Z/2026-11-18T00:00:00Z"
    still_active = [
        r for r in server.org.day(MONDAY) if r.get("conversationEnd", "9") > "2026-11-17T00:00:00.000Z"
    ]
    assert still_active
    assert set(ids(api.query_all(tuesday))).isdisjoint(ids(still_active))


def test_a_slice_of_a_day_finds_what_was_active_in_it_also_if_it_started_earlier_that_day(api, server):
    slice_ = "2026-11-16T10:00:00Z/2026-11-16T11:00:00Z"
    expected = [
        record
        for record in server.org.day(MONDAY)
        if record["conversationStart"] < "2026-11-16T11:00:00.000Z"
        and record.get("conversationEnd", "9") >= "2026-11-16T10:00:00.000Z"
    ]
    found = api.query_all(slice_)
    assert ids(found) == ids(expected)
    assert found[0]["conversationStart"] < "2026-11-16T10:00:00.000Z"


def test_nothing_after_now_is_found_and_what_goes_on_is_open(api):
    today = api.query_all("2026-11-20T00:00:00Z/2026-11-21T00:00:00Z")
    assert max(record["conversationStart"] for record in today) <= "2026-11-20T15:00:00.000Z"
    assert any("conversationEnd" not in record for record in today)


def test_the_clock_of_the_settings_is_the_orgs_clock(api, server):
    server.settings.now = lambda: datetime.fromisoformat("2026-11-16T09:00:00+00:00")
    morning = api.query_all(INTERVAL)
    server.settings.now = lambda: NOW
    assert 0 < len(morning) < len(api.query_all(INTERVAL))


def test_pages_served_before_are_served_anew_once_an_evaluation_or_the_end_has_come(api, server):
    seen = []
    for days in (0, 1, 8, 30):
        server.settings.now = lambda days=days: NOW + timedelta(days=days)
        seen.append(api.query_all(INTERVAL))
        assert seen[-1] == [without_attributes(record) for record in server.org.day(MONDAY)]
    assert all(earlier != later for earlier, later in pairwise(seen))


def test_offsets_and_missing_milliseconds_in_the_interval_are_understood(api):
    assert ids(api.query_all("2026-11-16T01:00:00+01:00/2026-11-17T00:00Z")) == ids(api.query_all(INTERVAL))


def test_a_page_has_at_most_100_rows(api):
    assert "100" in refusal(api.query(INTERVAL, 101))


def test_paging_reaches_100000_rows_deep(api):
    assert api.query(INTERVAL, 100, 1000).status_code == 200
    assert "Pagination may not exceed 100000 results" in refusal(api.query(INTERVAL, 100, 1001))


def test_an_interval_has_at_most_7_days_and_31_with_filters(api):
    eight = "2026-11-01T00:00:00Z/2026-11-09T00:00:00Z"
    message = "You must specify a search interval as part of your query that does not exceed 7 days"
    assert refusal(api.query(eight)) == message
    filters = [{"type": "and", "predicates": [{"dimension": "originatingDirection", "value": "outbound"}]}]
    assert api.query(eight, conversationFilters=filters).status_code == 200
    year = "2026-01-01T00:00:00Z/2026-11-09T00:00:00Z"
    assert "does not exceed 31 days" in refusal(api.query(year, conversationFilters=filters))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "constraint.validation"),
        ({"interval": ""}, "constraint.validation"),
        ({"interval": "yesterday"}, "invalid.date"),
        ({"interval": "2026-11-16/"}, "invalid.date"),
        ({"interval": "2026-11-17T00:00:00Z/2026-11-16T00:00:00Z"}, "invalid.date"),
        ({"interval": INTERVAL, "order": "upwards"}, "invalid.value"),
        ({"interval": INTERVAL, "orderBy": "queueId"}, "invalid.value"),
        ({"interval": INTERVAL, "paging": {"pageSize": 10}}, "constraint.validation"),
        ({"interval": INTERVAL, "paging": {"pageSize": 0, "pageNumber": 1}}, "invalid.value"),
        ({"interval": INTERVAL, "paging": {"pageSize": "many", "pageNumber": 1}}, "invalid.value"),
        ({"interval": INTERVAL, "paging": {"pageSize": True, "pageNumber": 1}}, "invalid.value"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_400_with_its_code(api, body, code):
    answer = api.http.post(f"{DETAILS}/query", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code


def test_a_body_that_is_no_json_object_too_large_or_of_another_type_is_refused(api):
    url = f"{DETAILS}/query"
    json = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b'"text"', b""):
        assert api.http.post(url, content=body, headers=json).json()["code"] == "bad.request"
    too_large = b'{"interval": "' + b"x" * 512_000 + b'"}'
    assert api.http.post(url, content=too_large, headers=json).status_code == 413
    assert api.http.post(url, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_page_above_the_response_limit_asks_for_smaller_pages(api, server):
    server.settings.max_response_bytes = 300_000
    answer = api.query(INTERVAL, 100)
    assert answer.status_code == 400
    assert answer.json()["code"] == "response.entity.too.large"
    assert "pageSize" in answer.json()["message"]
    assert api.query(INTERVAL, 10).status_code == 200


def test_terms_are_counted(api, server):
    wanted = [{"type": "termFrequency", "dimension": "mediaType", "size": 2}]
    answer = api.query(INTERVAL, 1, aggregations=wanted).json()["aggregations"][0]
    voice = sum(
        '"mediaType":"voice"' in str(r).replace("'", '"').replace(": ", ":") for r in server.org.day(MONDAY)
    )
    assert answer["results"][0] == {"value": "voice", "count": voice}
    assert len(answer["results"]) == 2
