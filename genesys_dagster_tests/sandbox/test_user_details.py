"""Users' details by query and by job: what is stored, what is found, and in which pieces."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from genesys_dagster.sandbox.agents_time.timeline import CLOCKS
from genesys_dagster.sandbox.times import DAY, HOUR, SECOND, from_iso, iso, to_datetime
from genesys_dagster_tests.sandbox.conftest import NOW

DETAILS = "/api/v2/analytics/users/details"
JOBS = f"{DETAILS}/jobs"
MONDAY = from_iso("2026-11-16")
LATER = from_iso("2026-11-20T15:00:00Z")
PERMISSION = "analytics:userDetail:view"


def interval(start, days=1.0):
    return f"{iso(start)}/{iso(int(start + days * DAY))}"


@pytest.fixture
def pages(api):
    """All pages of a query."""

    def ask(start=MONDAY, days=1.0, size=100, **fields):
        number, found = 1, []
        while True:
            paging = {"pageSize": size, "pageNumber": number}
            answer = api.http.post(
                f"{DETAILS}/query", json={"interval": interval(start, days), "paging": paging, **fields}
            )
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            if number * size >= found[-1]["totalHits"]:
                return found
            number += 1

    return ask


@pytest.fixture
def results(api):
    """All pages of a job."""

    def ask(start=MONDAY, days=1.0, size=1000, **fields):
        job = api.http.post(JOBS, json={"interval": interval(start, days), **fields}).json()["jobId"]
        found, params = [], {"pageSize": size}
        while True:
            found.append(api.http.get(f"{JOBS}/{job}/results", params=params).json())
            if "cursor" not in found[-1]:
                return found
            params["cursor"] = found[-1]["cursor"]

    return ask


def rows(pages):
    """(user, clock, start, end or None, status) of all pages."""
    return [
        (user["userId"], clock, record["startTime"], record.get("endTime"), record.get("systemPresence") or record.get("routingStatus"))
        for page in pages
        for user in page.get("userDetails", ())
        for clock in CLOCKS
        for record in user.get(clock, ())
    ]  # fmt: skip


def expected(server, start, end, as_of):
    """What is to be found in the days from `start` to `end`, by the words of the rule."""
    found = []
    for user in server.time.user_ids:
        for clock in CLOCKS:
            for period in server.time.periods(user, clock, start - 2 * DAY, end, as_of):
                ended = period.end is not None and period.end <= as_of
                begins_here = start <= period.start < end
                ends_here = ended and start < period.end < end
                if period.start <= as_of and (begins_here or ends_here):
                    end_text = iso(period.end) if ended else None
                    found.append((user, clock, iso(period.start), end_text, period.status))
    return found


@pytest.mark.parametrize("days", [1, 3])
def test_query_and_job_find_what_begins_or_ends_on_the_days_whole_and_once(server, pages, results, days):
    server.settings.user_availability = timedelta(0)
    truth = expected(server, MONDAY, MONDAY + days * DAY, from_iso(NOW.isoformat()))
    assert Counter(rows(pages(days=days))) == Counter(rows(results(days=days))) == Counter(truth)
    assert any(start < iso(MONDAY) for _, _, start, _, _ in truth)
    assert any(end and end > iso(MONDAY + days * DAY) for _, _, _, end, _ in truth)


def test_a_period_that_covers_the_whole_day_is_missing(server, pages):
    through = [
        period
        for user in server.time.user_ids
        for period in server.time.periods(user, "primaryPresence", MONDAY + DAY, MONDAY + 2 * DAY, LATER)
        if period.start < MONDAY + DAY and (period.end is None or period.end > MONDAY + 2 * DAY)
    ]
    assert {period.status for period in through} >= {"ON_QUEUE"}
    found = {(start, status) for _, _, start, _, status in rows(pages(MONDAY + DAY))}
    assert not found.intersection((iso(period.start), period.status) for period in through)
    found = {(start, end) for _, _, start, end, _ in rows(pages(MONDAY))}
    assert found.issuperset(
        (iso(period.start), iso(period.end)) for period in through if period.start >= MONDAY
    )


def test_a_period_has_an_end_once_the_clock_has_reached_it(server, pages):
    user = server.time.user_ids[2]
    begun, *_ = [
        period
        for period in server.time.periods(user, "primaryPresence", MONDAY + 8 * HOUR, MONDAY + DAY, LATER)
        if period.start > MONDAY and period.end < MONDAY + DAY
    ]

    def end_as_of(moment):
        server.settings.now = lambda: to_datetime(moment)
        return [
            end
            for each, clock, start, end, _ in rows(pages())
            if (each, clock, start) == (user, "primaryPresence", iso(begun.start))
        ]

    assert end_as_of(begun.start - 1) == []
    assert end_as_of(begun.start) == [None]
    assert end_as_of(begun.end - 1) == [None]
    assert end_as_of(begun.end) == [iso(begun.end)]
    assert end_as_of(begun.start) == [None]  # the clock may be put back


def test_a_period_that_ends_on_a_later_day_gets_its_end_in_the_copy_of_its_start_day(server, pages):
    night = MONDAY + 23 * HOUR + 30 * 60 * SECOND

    def ends(moment):
        server.settings.now = lambda: to_datetime(moment)
        return {
            (user, start): end
            for user, clock, start, end, status in rows(pages())
            if clock == "primaryPresence" and status == "OFFLINE" and start > iso(MONDAY + 18 * HOUR)
        }

    open_, closed = ends(night), ends(MONDAY + 3 * DAY)
    open_ = {key for key, end in open_.items() if end is None}
    assert len(open_) > 10
    assert all(closed[key] > iso(night) for key in open_)
    assert sum(closed[key] > iso(MONDAY + DAY) for key in open_) > 10


def test_both_copies_count_while_paging_so_that_pages_are_short_or_empty(server, pages):
    few = {"userFilters": predicate(userId=server.time.user_ids[3])}
    found = pages(days=2, size=1, **few)
    assert found[0]["totalHits"] == len(found) > len(rows(found))
    empty = [number for number, page in enumerate(found) if "userDetails" not in page]
    assert empty
    assert empty[0] < len(found) - 1
    assert Counter(rows(found)) == Counter(rows(pages(days=2, **few)))
    assert len(rows(found)) == len({row[:3] for row in rows(found)})


def test_one_day_has_no_copy_twice_and_two_daily_pulls_have(pages):
    first, second = rows(pages()), rows(pages(MONDAY + DAY))
    assert len(first) == pages()[0]["totalHits"]
    assert {row[:3] for row in first} & {row[:3] for row in second}


def test_a_user_is_spread_over_pages_of_a_query_and_comes_in_one_piece_from_a_job(pages, results):
    def users(found):
        order = [user["userId"] for page in found for user in page.get("userDetails", ())]
        return [user for number, user in enumerate(order) if number == 0 or order[number - 1] != user]

    assert max(Counter(users(pages())).values()) > 3
    assert max(Counter(users(results(size=40))).values()) == 1


def test_the_order_is_that_of_time_over_all_pages(pages):
    def starts(found):
        return [[row[2] for row in rows([page])] for page in found]

    forth = pages(order="asc", size=40)
    for before, after in pairwise(starts(forth)):
        assert max(before) <= min(after)
    for before, after in pairwise(starts(pages(order="desc", size=40))):
        assert min(before) >= max(after)
    for page in forth:
        for user in page["userDetails"]:
            for clock in CLOCKS:
                starts = [record["startTime"] for record in user.get(clock, ())]
                assert starts == sorted(starts)


def test_a_page_has_25_hits_unless_told_otherwise(api):
    page = api.http.post(f"{DETAILS}/query", json={"interval": interval(MONDAY)}).json()
    assert len(rows([page])) == 25
    assert page["totalHits"] > 25


def test_nothing_found_is_an_answer_without_users(api, pages, results):
    assert pages(from_iso("2020-01-01")) == [{"totalHits": 0}]
    assert list(results(from_iso("2020-01-01"))[0]) == ["dataAvailabilityDate"]
    assert pages(from_iso("2027-01-01")) == [{"totalHits": 0}]


def test_users_without_a_change_or_without_routing_status_lack_element_or_key(server, pages):
    users = {}
    for page in pages():
        for user in page["userDetails"]:
            users.setdefault(user["userId"], set()).update(user)
    directory = server.org.directory
    assert users[directory.office_user] == {"userId", "primaryPresence"}
    assert directory.silent_user not in users
    assert directory.absent_user not in users  # away until 8 December
    assert users[directory.agents[0].id] == {"userId", *CLOCKS}  # a deleted user


def test_records_have_the_fields_and_values_of_the_model_and_nothing_else(pages):
    for page in pages():
        assert set(page) == {"userDetails", "totalHits"}
        for user in page["userDetails"]:
            for record in user.get("primaryPresence", ()):
                assert set(record) - {"endTime"} == {"startTime", "systemPresence", "organizationPresenceId"}
            for record in user.get("routingStatus", ()):
                assert set(record) - {"endTime"} == {"startTime", "routingStatus"}


def predicate(**fields):
    return [
        {
            "type": "or",
            "predicates": [
                {"type": "dimension", "dimension": name, "value": value} for name, value in fields.items()
            ],
        }
    ]


def test_filters_narrow_by_user_presence_definition_and_status(server, pages):
    everything = rows(pages())
    user = server.time.user_ids[1]
    mine = rows(pages(userFilters=predicate(userId=user)))
    assert Counter(mine) == Counter(row for row in everything if row[0] == user)
    meals = pages(presenceFilters=predicate(systemPresence="MEAL"))
    assert Counter(rows(meals)) == Counter(row for row in everything if row[4] == "MEAL")
    briefing = server.time.presences.briefing.definition_id
    found = rows(pages(presenceFilters=predicate(organizationPresenceId=briefing)))
    assert found
    assert {row[4] for row in found} == {"MEETING"}
    both = pages(
        presenceFilters=predicate(systemPresence="MEAL"),
        routingStatusFilters=predicate(routingStatus="INTERACTING"),
    )
    assert Counter(rows(both)) == Counter(r for r in everything if r[4] in {"MEAL", "INTERACTING"})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"interval": None}, "[interval]"),
        ({"interval": "yesterday"}, "ISO-8601"),
        ({"interval": interval(MONDAY, 7.01)}, "does not exceed 7 days"),
        (
            {"interval": interval(MONDAY, 31.01), "userFilters": predicate(userId="u")},
            "does not exceed 31 days",
        ),
        ({"paging": {"pageSize": 101, "pageNumber": 1}}, "Page size"),
        ({"paging": {"pageSize": 100, "pageNumber": 1001}}, "Pagination"),
        ({"paging": {"pageSize": 100}}, "paging needs"),
        ({"order": "random"}, "[order]"),
        ({"userFilters": predicate(divisionId="d")}, "divisionId"),
        ({"presenceFilters": predicate(userId="u")}, "userId"),
        ({"routingStatusFilters": "IDLE"}, "[routingStatusFilters]"),
        ({"presenceAggregations": [{"type": "termFrequency"}]}, "aggregate"),
    ],
)
def test_questions_that_make_no_sense_are_refused(api, fields, text):
    answer = api.http.post(f"{DETAILS}/query", json={"interval": interval(MONDAY), **fields})
    assert answer.status_code == 400
    assert text in answer.json()["message"]


def test_seven_days_may_be_asked_for_and_thirty_one_with_a_filter(server, pages):
    assert rows(pages(MONDAY - 7 * DAY, 7))
    user = server.time.user_ids[0]
    assert {row[0] for row in rows(pages(MONDAY - 31 * DAY, 31, userFilters=predicate(userId=user)))} == {
        user
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "query"),
        ("POST", "jobs"),
        ("GET", "jobs/x"),
        ("GET", "jobs/availability"),
        ("DELETE", "jobs/x"),
    ],
)
def test_the_permission_is_needed_and_conversations_do_not_miss_it(api, server, method, path):
    server.settings.permissions.discard(PERMISSION)
    answer = api.http.request(method, f"{DETAILS}/{path}", json={"interval": interval(MONDAY)})
    assert answer.status_code == 403
    assert PERMISSION in answer.json()["message"]
    assert api.query(interval(MONDAY)).status_code == 200


def test_users_have_a_watermark_of_their_own(api, server):
    def watermarks():
        return [
            api.http.get(f"/api/v2/analytics/{family}/details/jobs/availability").json()[
                "dataAvailabilityDate"
            ]
            for family in ("users", "conversations")
        ]

    assert watermarks() == ["2026-11-20T02:00:00.000Z", "2026-11-20T09:00:00.000Z"]
    server.settings.user_availability = datetime(2026, 11, 18, tzinfo=UTC)
    assert watermarks() == ["2026-11-18T00:00:00.000Z", "2026-11-20T09:00:00.000Z"]


def test_beyond_the_watermark_the_tail_is_missing_and_nothing_tells(server, results):
    cut = MONDAY + 12 * HOUR
    server.settings.user_availability = to_datetime(cut)
    found = results()
    assert Counter(rows(found)) == Counter(expected(server, MONDAY, MONDAY + DAY, cut))
    assert max(start for _, _, start, _, _ in rows(found)) <= iso(cut)
    assert all(end is None or end <= iso(cut) for _, _, _, end, _ in rows(found))
    assert sum(end is None for _, _, _, end, _ in rows(found)) > 10
    assert {page["dataAvailabilityDate"] for page in found} == {iso(cut)}
    assert list(results(MONDAY + DAY)[0]) == ["dataAvailabilityDate"]


def test_a_job_belongs_to_its_family_and_shares_limits_faults_and_deletion(api, server):
    body = {"interval": interval(MONDAY)}
    job = api.http.post(JOBS, json=body).json()["jobId"]
    assert api.http.get(f"/api/v2/analytics/conversations/details/jobs/{job}").status_code == 404
    assert api.http.get(f"{JOBS}/{job}").json()["state"] == "FULFILLED"
    server.faults.job_state = "FAILED"
    assert api.http.get(f"{JOBS}/{job}").json()["errorMessage"]
    assert api.http.get(f"{JOBS}/{job}/results").status_code == 400
    server.faults.job_state, server.faults.forget_jobs = None, 1
    assert [api.http.get(f"{JOBS}/{job}").status_code for _ in range(2)] == [404, 200]
    server.settings.concurrent_jobs, server.settings.job_delay = 0, 5.0
    refused = api.http.post(JOBS, json=body)
    assert (refused.status_code, refused.json()["limit"]["value"]) == (429, 0)
    assert api.http.delete(f"{JOBS}/{job}").status_code == 204
    assert server.jobs == {}


def test_limit_cursor_and_page_size_of_a_job(api, server, results):
    assert [len(rows([page])) for page in results(size=7, limit=30)] == [7, 7, 7, 7, 2]
    assert set(rows(results(size=7, limit=30))) < set(rows(results()))
    job = api.http.post(JOBS, json={"interval": interval(MONDAY)}).json()["jobId"]
    refused = api.http.get(f"{JOBS}/{job}/results", params={"cursor": "nonsense"})
    assert refused.status_code == 400
    server.settings.max_job_page_size = 11
    assert len(rows([api.http.get(f"{JOBS}/{job}/results").json()])) == 11
    server.faults.repeat_cursor = True
    first = api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 5}).json()["cursor"]
    assert (
        api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 5, "cursor": first}).json()["cursor"]
        == first
    )


def test_the_same_start_comes_once_open_and_once_closed_by_switch(server, pages, results):
    server.settings.user_availability = timedelta(0)
    before = rows(pages())
    server.faults.reopened_periods = True
    for found in (rows(pages()), rows(results())):
        assert set(found) >= set(before)
        ends = defaultdict(list)
        for user, clock, start, end, _ in found:
            ends[user, clock, start].append(end)
        twice = [each for each in ends.values() if len(each) == 2]
        assert 20 < len(twice) < len(ends)
        assert all(open_ is None and end for open_, end in twice if end)


def test_two_periods_start_in_the_same_millisecond_by_switch(server, pages):
    before = rows(pages())
    server.faults.twin_starts = True
    added = Counter(rows(pages())) - Counter(before)
    assert added
    assert all(start == end for _, _, start, end, _ in added)


def test_unknown_fields_and_values_come_by_switch(server, pages):
    server.faults.unknown_fields = server.faults.unknown_enums = True
    users = [user for page in pages() for user in page["userDetails"]]
    assert any("outOfOffice" in user for user in users)
    assert any("outOfOffice" not in user for user in users)
    assert any(row[4] == "DAYDREAMING" for row in rows(pages()))


def test_total_hits_drift_and_rows_come_again_by_switch(server, api):
    def page(number):
        paging = {"pageSize": 10, "pageNumber": number}
        return api.http.post(f"{DETAILS}/query", json={"interval": interval(MONDAY), "paging": paging}).json()

    total = page(1)["totalHits"]
    server.faults.total_hits_drift, server.faults.duplicates = (5, -5), 3
    assert [page(1)["totalHits"], page(2)["totalHits"]] == [total + 5, total - 5]
    assert len(set(rows([page(1)])) & set(rows([page(2)]))) == 3


def test_answers_are_compressed_and_limited_in_size(api, server):
    def ask():
        return api.http.post(f"{DETAILS}/query", json={"interval": interval(MONDAY)})

    assert ask().headers["content-encoding"] == "gzip"
    server.settings.max_response_bytes = 500
    assert (ask().status_code, ask().json()["code"]) == (400, "response.entity.too.large")


def test_definitions_are_listed_by_whether_they_are_deactivated(api, server):
    def ask(**params):
        return api.http.get("/api/v2/presence/definitions", params=params).json()

    active, gone = ask(), ask(deactivated="true")
    assert ask(deactivated="false") == active
    assert active["total"] == len(active["entities"]) == 13
    assert [entity["name"] for entity in gone["entities"]] == ["Short break"]
    by_id = {entity["id"]: entity for entity in active["entities"] + gone["entities"]}
    assert set(by_id) == {presence.definition_id for presence in server.time.presences.all}
    assert by_id["6a3af858-942f-489d-9700-5f9bcdcdae9b"]["systemPresence"] == "Available"
    assert by_id["ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5"]["name"] == "Offline"
    assert {entity["systemPresence"] for entity in by_id.values()} >= {"OnQueue", "Idle"}
    assert Counter(entity["type"] for entity in by_id.values()) == {"System": 10, "User": 4}
    server.settings.now = lambda: datetime(2026, 5, 1, tzinfo=UTC)
    assert ask(deactivated="true") == {"total": 0, "entities": [], "selfUri": "/api/v2/presence/definitions"}


def test_without_the_permission_definitions_of_a_division_are_silently_missing(api, server):
    server.settings.permissions.discard("presence:presenceDefinition:view")
    names = {entity["name"] for entity in api.http.get("/api/v2/presence/definitions").json()["entities"]}
    assert "Coffee" in names
    assert "Briefing" not in names
