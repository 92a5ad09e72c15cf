import asyncio
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from genesys_dagster.genesys.errors import (
    JobFailedError,
    MalformedResponseError,
    PaginationLoopError,
    PermissionDeniedError,
    RequestRejectedError,
    SubmitUncertainError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster_tests.genesys.fake_jobs import LATER, FakeJobs, export_job, numbers, results
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    JOBS,
    FakeApi,
    FakeClock,
    error_body,
    export,
    reply,
    run,
)


def test_the_job_is_the_documented_one():
    jobs = FakeJobs()
    export_job(jobs)
    assert jobs.submitted == [
        {
            "interval": "2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z",
            "order": "asc",
            "orderBy": "conversationStart",
            "startOfDayIntervalMatching": True,
        }
    ]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 3500])
def test_every_conversation_of_the_results_arrives_once_and_in_order(count):
    jobs = FakeJobs(count)
    assert export_job(jobs) == numbers(count)
    assert jobs.deleted == ["job-1"]


def test_the_page_size_of_results_is_configurable():
    jobs = FakeJobs(10)
    assert export_job(jobs, job_page_size=4) == numbers(10)
    assert jobs.page_sizes == [4, 4, 4]


def test_a_job_is_waited_for_with_growing_pauses():
    jobs, clock, polled = FakeJobs(3), FakeClock(), []
    status = jobs.status
    jobs.status = lambda: polled.append(clock.time) or status()
    jobs.states = ["QUEUED"] * 5 + ["PENDING"] * 6 + ["FULFILLED"]
    assert export_job(jobs, clock=clock, first_poll=1.0, longest_poll=20.0) == numbers(3)
    waits = [later - earlier for earlier, later in pairwise(polled)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1], len(waits)) == (1.0, 20.0, 11)


def test_a_job_that_fails_tells_the_correlation_id_of_the_answer_that_said_so():
    jobs = FakeJobs(1)
    jobs.states, jobs.error_message = ["QUEUED", "FAILED"], "out of 'Anna'"
    status = jobs.status

    def answer():
        told = status()
        told.headers["inin-correlation-id"] = f"poll-{len(jobs.states)}"
        return told

    jobs.status = answer
    with pytest.raises(JobFailedError, match="correlation id poll-1") as caught:
        export_job(jobs)
    assert "Anna" not in str(caught.value)


def test_a_202_without_state_means_running():
    jobs, clock = FakeJobs(1), FakeClock()
    jobs.states, jobs.status_code = [None, "PENDING", "FULFILLED"], 202
    assert export_job(jobs, clock=clock) == ["0"]
    assert len(clock.slept) == 2


def test_a_job_that_takes_too_long_is_given_up_and_deleted():
    jobs, clock = FakeJobs(1), FakeClock()
    jobs.states = ["PENDING"]
    with pytest.raises(JobFailedError, match=r"still PENDING after 0:10:00") as caught:
        export_job(jobs, clock=clock, max_job_wait=timedelta(minutes=10))
    assert caught.value.retryable
    assert sum(clock.slept) <= 600
    assert jobs.deleted == ["job-1"]


@pytest.mark.parametrize(("state", "retryable"), [("FAILED", True), ("CANCELLED", True), ("PARKED", False)])
def test_a_job_that_ends_badly_or_in_an_unknown_state_is_an_error(state, retryable):
    jobs = FakeJobs(1)
    jobs.states, jobs.error_message = ["QUEUED", state], "too many cooks"
    with pytest.raises(JobFailedError, match=f"{state}.*too many cooks") as caught:
        export_job(jobs)
    assert caught.value.retryable is retryable
    assert jobs.deleted == ["job-1"]


def test_a_submit_whose_answer_was_lost_is_not_repeated():
    submits = []

    def handler(request):
        if request.url.path == JOBS:
            submits.append(1)
            raise httpx.ReadTimeout("lost")
        return FakeJobs()(request)

    with pytest.raises(SubmitUncertainError, match="Run the step again"):
        run(export(FakeApi(handler), source="job"))
    assert len(submits) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"jobId": ""}', b'{"jobId"'])
def test_a_submit_that_is_answered_without_a_job_id_is_not_repeated(body):
    def handler(request):
        return reply(body, 202) if request.url.path == JOBS else FakeJobs()(request)

    api = FakeApi(handler)
    with pytest.raises(SubmitUncertainError):
        run(export(api, source="job"))
    assert api.count("POST", JOBS) == 1


def test_a_submit_that_was_turned_away_by_the_rate_limit_is_repeated():
    jobs, turned_away = FakeJobs(2), []

    def handler(request):
        if request.url.path == JOBS and not turned_away:
            turned_away.append(1)
            return reply(None, 429, retry_after="5")
        return jobs(request)

    assert run(export(FakeApi(handler), source="job")) == numbers(2)
    assert len(jobs.submitted) == 1


def test_a_submit_without_permission_is_named():
    words = "missing analytics:conversationDetail:view"

    def handler(request):
        if request.url.path == JOBS:
            return reply(error_body("missing.any.permissions", words, 403), 403)
        return FakeJobs()(request)

    with pytest.raises(PermissionDeniedError, match="analytics:conversationDetail:view"):
        run(export(FakeApi(handler), source="job"))


@pytest.mark.parametrize("vanish_at", [0, 1000, 2000])
def test_a_job_that_vanished_is_submitted_once_more(vanish_at):
    jobs = FakeJobs(2500)
    jobs.vanish_at = vanish_at
    rows = export_job(jobs)
    assert list(dict.fromkeys(rows)) == numbers(2500)
    assert len(jobs.submitted) == 2
    assert jobs.deleted == ["job-2"]


def test_a_job_that_vanished_before_it_was_done_is_submitted_once_more():
    jobs = FakeJobs(3)
    jobs.vanished = {"job-1"}
    assert export_job(jobs) == numbers(3)
    assert len(jobs.submitted) == 2


@pytest.mark.parametrize("fault", ["gone", "expired", "cursor"])
@pytest.mark.parametrize("times", [1, 3, 4])
def test_a_job_that_comes_to_nothing_is_submitted_anew_three_times(fault, times):
    jobs = FakeJobs(2500)
    spoilt = {f"job-{number + 1}" for number in range(times)}

    def handler(request):
        job_id, _, rest = request.url.path.removeprefix(f"{JOBS}/").partition("/")
        if request.method == "GET" and job_id in spoilt:
            if fault == "gone":
                return reply(error_body("not.found", "no such job", 404), 404)
            if fault == "expired" and not rest:
                return reply({"state": "EXPIRED"})
            if fault == "cursor" and "cursor" in request.url.params:
                return reply(error_body("bad.request", "The cursor has expired"), 400)
        return jobs(request)

    if times > 3:
        with pytest.raises(JobFailedError, match=r"gone|expired") as caught:
            run(export(FakeApi(handler), source="job"))
        assert caught.value.retryable
    else:
        assert list(dict.fromkeys(run(export(FakeApi(handler), source="job")))) == numbers(2500)
    assert len(jobs.submitted) == min(times + 1, 4)
    assert len(jobs.deleted) == len(jobs.submitted)


def test_result_pages_too_large_for_the_server_are_asked_for_smaller_from_the_same_place():
    jobs = FakeJobs(2300)
    jobs.largest_page = 300
    assert export_job(jobs) == numbers(2300)
    assert jobs.page_sizes[:4] == [1000, 500, 250, 250]


def test_a_single_conversation_too_large_for_the_server_is_an_error():
    jobs = FakeJobs(3)
    jobs.largest_page = 0
    with pytest.raises(RequestRejectedError, match=r"too\.large"):
        export_job(jobs)


def test_a_repeated_cursor_of_results_is_an_error():
    jobs = FakeJobs(9000)
    jobs.cursor = lambda position: "at-2000"
    with pytest.raises(PaginationLoopError) as caught:
        export_job(jobs)
    assert caught.value.retryable
    assert jobs.deleted == ["job-1"]


@pytest.mark.parametrize(
    ("rows", "error"), [([], PaginationLoopError), ([{"conversationId": "0"}], MalformedResponseError)]
)
def test_ever_new_cursors_to_nothing_new_are_an_error_soon(rows, error):
    jobs, asked = FakeJobs(9000), []

    def handler(request):
        if not request.url.path.endswith("/results"):
            return jobs(request)
        asked.append(1)
        return reply({"conversations": rows, "cursor": f"c-{len(asked)}", "dataAvailabilityDate": LATER})

    with pytest.raises(error) as caught:
        run(export(FakeApi(handler), source="job"))
    assert caught.value.retryable
    assert len(asked) < 12


def test_the_next_result_pages_are_fetched_while_the_consumer_is_busy_but_no_more_than_two():
    async def scenario():
        jobs = FakeJobs(9000)
        async with FakeApi(jobs).client() as client, results(client) as pages:
            async for page in pages:
                most = min(9, page.number + 2)
                for _ in range(1000):
                    if len(jobs.page_sizes) >= most:
                        break
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.02)
                assert len(jobs.page_sizes) == most

    run(scenario())


def test_a_long_interval_is_one_job():
    month = Interval(DAY.start, DAY.start + timedelta(days=30))
    jobs = FakeJobs(5)
    jobs.available = jobs.results_available = "2027-01-01T00:00:00Z"
    assert export_job(jobs, month) == numbers(5)
    assert len(jobs.submitted) == 1
