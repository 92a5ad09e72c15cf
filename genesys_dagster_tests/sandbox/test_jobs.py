"""Bulk jobs: states, delay, watermark, cursor, deletion."""

from datetime import UTC, datetime, timedelta

from genesys_dagster_tests.sandbox.conftest import DETAILS, NOW
from genesys_dagster_tests.sandbox.test_query import INTERVAL, MONDAY, ids

JOBS = f"{DETAILS}/jobs"


def test_a_job_returns_the_day_with_attributes(api, server):
    job = api.job(INTERVAL, order="asc", orderBy="conversationStart", startOfDayIntervalMatching=True)
    expected = server.org.day(MONDAY, server.settings.watermark)
    assert api.results(job, pageSize=40) == expected
    assert any("attributes" in participant for record in expected for participant in record["participants"])


def test_a_submit_is_accepted_with_202_and_every_one_makes_a_new_job(api, server):
    first = api.http.post(JOBS, json={"interval": INTERVAL})
    assert first.status_code == 202
    assert api.job(INTERVAL) != first.json()["jobId"]
    assert len(server.jobs) == 2


def test_a_job_is_queued_then_pending_then_fulfilled(api, server):
    clock = {"seconds": 0.0}
    server.settings.clock = lambda: clock["seconds"]
    server.settings.job_delay = 9.0
    api.login(server)
    job = api.job(INTERVAL)

    def poll(seconds: float) -> tuple[int, str]:
        clock["seconds"] = seconds
        answer = api.http.get(f"{JOBS}/{job}")
        ready = answer.json()["state"] == "FULFILLED"
        assert api.http.get(f"{JOBS}/{job}/results").status_code == (200 if ready else 400)
        return answer.status_code, answer.json()["state"]

    assert poll(0.0) == poll(2.9) == (202, "QUEUED")
    assert poll(3.1) == poll(8.9) == (202, "PENDING")
    assert poll(9.0) == (200, "FULFILLED")
    body = api.http.get(f"{JOBS}/{job}").json()
    assert body["submissionDate"] == "2026-11-20T15:00:00.000Z"
    assert body["completionDate"] == "2026-11-20T15:00:09.000Z"
    assert body["expirationDate"] == "2026-11-21T15:00:09.000Z"


def test_a_job_too_many_is_refused_by_name_until_one_is_done_or_deleted(api, server):
    clock = {"seconds": 0.0}
    server.settings.clock = lambda: clock["seconds"]
    server.settings.job_delay, server.settings.concurrent_jobs = 9.0, 2
    api.login(server)
    first, _ = api.job(INTERVAL), api.job(INTERVAL)
    refused = api.http.post(JOBS, json={"interval": INTERVAL})
    assert (refused.status_code, refused.json()["code"]) == (429, "too.many.requests")
    limit = {"key": "details.jobs.concurrent.access.max", "namespace": "analytics", "value": 2}
    assert refused.json()["limit"] == limit
    assert api.http.get(f"{JOBS}/{first}").status_code == 202  # only submissions are refused
    api.http.delete(f"{JOBS}/{first}")
    assert api.http.post(JOBS, json={"interval": INTERVAL}).status_code == 202
    assert api.http.post(JOBS, json={"interval": INTERVAL}).status_code == 429
    clock["seconds"] = 9.0
    assert api.http.post(JOBS, json={"interval": INTERVAL}).status_code == 202


def test_jobs_fail_are_cancelled_expire_or_never_end_by_switch(api, server):
    job = api.job(INTERVAL)
    server.faults.job_error = "Too many conversations."
    for state, status in (("FAILED", 200), ("CANCELLED", 200), ("EXPIRED", 200), ("PENDING", 202)):
        server.faults.job_state = state
        answer = api.http.get(f"{JOBS}/{job}")
        assert (answer.status_code, answer.json()["state"]) == (status, state)
        assert ("errorMessage" in answer.json()) == (state == "FAILED")
        assert api.http.get(f"{JOBS}/{job}/results").status_code in {400, 404}


def test_results_expire(api, server):
    job = api.job(INTERVAL)
    server.settings.now = lambda: NOW + timedelta(hours=25)
    assert api.http.get(f"{JOBS}/{job}").json()["state"] == "EXPIRED"
    assert api.http.get(f"{JOBS}/{job}/results").json()["code"] == "not.found"


def test_a_deleted_forgotten_or_unknown_job_is_not_found(api, server):
    job = api.job(INTERVAL)
    server.faults.forget_jobs = 1
    assert api.http.get(f"{JOBS}/{job}").status_code == 404
    assert api.http.get(f"{JOBS}/{job}").status_code == 200
    answer = api.http.delete(f"{JOBS}/{job}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in (f"{JOBS}/{job}", f"{JOBS}/{job}/results", f"{JOBS}/unknown"):
        assert api.http.get(path).json()["code"] == "not.found"
    assert server.jobs == {}


def test_availability_lags_behind_now_or_stands_still(api, server):
    def watermark() -> str:
        return api.http.get(f"{JOBS}/availability").json()["dataAvailabilityDate"]

    assert watermark() == "2026-11-20T09:00:00.000Z"
    server.settings.availability = datetime(2026, 11, 18, tzinfo=UTC)
    assert watermark() == "2026-11-18T00:00:00.000Z"


def test_a_job_beyond_the_watermark_succeeds_with_rows_missing_and_nothing_to_show_for_it(api, server):
    server.settings.availability = datetime(2026, 11, 16, 12, tzinfo=UTC)
    job = api.job(INTERVAL, startOfDayIntervalMatching=True)
    assert api.http.get(f"{JOBS}/{job}").json()["state"] == "FULFILLED"
    rows = api.results(job)
    assert 0 < len(rows) < server.org.count(MONDAY)
    assert max(row["conversationStart"] for row in rows) <= "2026-11-16T12:00:00.000Z"
    assert api.http.get(f"{JOBS}/{job}/results").json()["dataAvailabilityDate"] == "2026-11-16T12:00:00.000Z"
    server.settings.availability = timedelta(0)
    assert api.results(job) == rows  # the stored result does not change


def test_an_interval_wholly_beyond_the_watermark_has_no_rows(api, server):
    server.settings.availability = datetime(2026, 11, 10, tzinfo=UTC)
    page = api.http.get(f"{JOBS}/{api.job(INTERVAL)}/results").json()
    assert page == {"dataAvailabilityDate": "2026-11-10T00:00:00.000Z"}


def test_without_start_of_day_matching_older_conversations_still_active_come_too(api):
    by_start = ids(api.results(api.job(INTERVAL, startOfDayIntervalMatching=True)))
    overlapping = api.results(api.job(INTERVAL))
    assert set(by_start) < set(ids(overlapping))
    older = [row for row in overlapping if row["conversationStart"] < "2026-11-16"]
    assert older
    assert all(row.get("conversationEnd", "9") >= "2026-11-16" for row in older)


def test_pages_have_the_size_asked_for_up_to_the_maximum(api, server):
    server.settings.job_page_size = 30
    server.settings.max_job_page_size = 50
    job = api.job(INTERVAL)

    def rows(**params) -> int:
        return len(api.http.get(f"{JOBS}/{job}/results", params=params).json()["conversations"])

    assert (rows(), rows(pageSize=7), rows(pageSize=5000)) == (30, 7, 50)
    assert api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 0}).status_code == 400


def test_the_last_page_has_no_cursor_and_a_foreign_cursor_is_refused(api):
    job = api.job(INTERVAL)
    page = api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 10}).json()
    assert "cursor" in page
    assert "cursor" not in api.http.get(f"{JOBS}/{job}/results").json()
    other = api.job("2026-11-17T00:00:00Z/2026-11-18T00:00:00Z")
    for cursor in (page["cursor"], "nonsense", "é"):
        answer = api.http.get(f"{JOBS}/{other}/results", params={"cursor": cursor})
        assert answer.json()["code"] == "invalid.query.param.value"


def test_limit_is_the_most_that_a_job_returns(api):
    assert len(api.results(api.job(INTERVAL, limit=12), pageSize=5)) == 12


def test_a_cursor_that_repeats_itself_does_so_for_ever(api, server):
    server.faults.repeat_cursor = True
    job = api.job(INTERVAL)
    first = api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 20}).json()["cursor"]
    again = api.http.get(f"{JOBS}/{job}/results", params={"pageSize": 20, "cursor": first}).json()["cursor"]
    assert first == again
