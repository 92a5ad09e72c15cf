import asyncio
import json
from bisect import bisect_left
from contextlib import aclosing
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.cuts import equal_slices
from genesys_dagster.genesys.errors import ConfigurationError, ServiceUnavailableError
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.packing import PackedPage
from genesys_dagster.genesys.pages import Page
from genesys_dagster_tests.genesys.fake_jobs import LATER
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    JOBS,
    QUERY,
    FakeApi,
    FakeClock,
    collect,
    error_body,
    evenly,
    export,
    ids,
    reply,
    run,
)


class ManyJobs:
    """Jobs that answer by their own interval, as many at once as are allowed."""

    def __init__(self, count):
        self.starts = evenly(count)
        self.limit = None
        self.refusal = lambda: reply(error_body("bad.request", "Too many concurrent jobs"), 400)
        self.jobs = {}
        self.submitted = 0
        self.refused = 0
        self.most_at_once = 0
        self.deleted = 0
        self.fails_in_slice = None
        self.largest_page = 1000

    def __call__(self, request):
        path = request.url.path
        if path == QUERY:
            return reply({"totalHits": len(self.numbers_in(json.loads(request.content)))})
        if path == f"{JOBS}/availability":
            return reply({"dataAvailabilityDate": LATER})
        if path == JOBS:
            return self.submit(json.loads(request.content))
        job_id, _, rest = path.removeprefix(f"{JOBS}/").partition("/")
        if request.method == "DELETE":
            del self.jobs[job_id]
            self.deleted += 1
            return reply(None, 204)
        return self.results(request, self.jobs[job_id]) if rest else reply({"state": "FULFILLED"})

    def numbers_in(self, body):
        start, end = (parse_instant(part) for part in body["interval"].split("/"))
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def submit(self, body):
        if self.limit is not None and len(self.jobs) >= self.limit:
            self.refused += 1
            return self.refusal()
        self.submitted += 1
        self.jobs[f"job-{self.submitted}"] = self.numbers_in(body)
        self.most_at_once = max(self.most_at_once, len(self.jobs))
        return reply({"jobId": f"job-{self.submitted}"}, 202)

    def results(self, request, numbers):
        if self.fails_in_slice in numbers:
            return reply(error_body("internal.server.error", "broken", 500), 500)
        size = min(int(request.url.params["pageSize"]), self.largest_page)
        at = int(request.url.params.get("cursor", "0"))
        body = {"conversations": [{"conversationId": str(n)} for n in numbers[at : at + size]]}
        if at + size < len(numbers):
            body["cursor"] = str(at + size)
        return reply(body | {"dataAvailabilityDate": LATER})


def slices_of(jobs, slices, clock=None, **options):
    return run(export(FakeApi(jobs), source="job", job_slices=slices, clock=clock, **options))


@pytest.mark.parametrize("slices", [1, 2, 7, 24])
@pytest.mark.parametrize("count", [0, 1, 5000])
def test_every_conversation_arrives_in_order_whatever_the_number_of_slices(slices, count):
    jobs = ManyJobs(count)
    jobs.largest_page = 90
    assert slices_of(jobs, slices) == [str(number) for number in range(count)]
    assert (jobs.submitted, jobs.deleted, jobs.jobs) == (slices, slices, {})


def test_slices_run_at_once_but_no_more_than_requests_may():
    jobs = ManyJobs(5000)
    slices_of(jobs, 12, max_concurrency=4)
    assert jobs.most_at_once == 4


@given(st.integers(1, 100_000_000), st.integers(1, 200))
def test_slices_meet_without_gap_or_overlap(milliseconds, count):
    interval = Interval(DAY.start, DAY.start + timedelta(milliseconds=milliseconds))
    parts = equal_slices(interval, count)
    assert (parts[0].start, parts[-1].end) == (interval.start, interval.end)
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert len(parts) <= count


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_limit_on_concurrent_jobs_is_answered_by_fewer_slices(limit):
    jobs = ManyJobs(5000)
    jobs.limit = limit
    assert slices_of(jobs, 8) == [str(number) for number in range(5000)]
    assert jobs.most_at_once == limit
    assert jobs.refused
    assert jobs.jobs == {}


def test_a_429_that_does_not_name_its_limit_is_answered_by_fewer_slices_once_repeating_does_not_help():
    jobs = ManyJobs(2000)
    jobs.limit = 2
    jobs.refusal = lambda: reply(error_body("too.many.requests", "limit", 429), 429, retry_after="1")
    rows = slices_of(jobs, 6, clock=FakeClock(), max_attempts=2)
    assert rows == [str(number) for number in range(2000)]


def test_a_slice_that_fails_fails_the_export_and_cleans_up_the_others():
    jobs = ManyJobs(5000)
    jobs.fails_in_slice = 1500

    async def scenario():
        async with FakeApi(jobs).client(max_attempts=2) as client:
            with pytest.raises(ServiceUnavailableError):
                await collect(ConversationDetails(client, source="job", job_slices=10))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    assert jobs.jobs == {}


def test_breaking_off_deletes_all_jobs():
    jobs = ManyJobs(5000)

    async def scenario():
        async with (
            FakeApi(jobs).client() as client,
            aclosing(ConversationDetails(client, source="job", job_slices=6).pages(DAY)) as pages,
        ):
            async for page in pages:
                assert ids(page)
                break
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    assert jobs.submitted > 1
    assert jobs.jobs == {}


def test_slices_wait_for_their_turn_with_few_pages_in_memory():
    jobs = ManyJobs(6000)
    jobs.largest_page = 100
    pages_read = []

    async def scenario():
        api = FakeApi(jobs)
        async with api.client(max_concurrency=3) as client:
            async for page in ConversationDetails(client, source="job", job_slices=3).pages(DAY):
                await asyncio.sleep(0.005)
                fetched = sum(path.endswith("/results") for _, path in api.requests)
                pages_read.append(fetched - page.number)

    run(scenario())
    # Sixteen waiting and three read ahead or under way for each of three slices.
    assert max(pages_read) <= 3 * 19


def test_a_page_that_waits_takes_less_memory_and_comes_out_as_it_was():
    for size in (0, 10, 5_000):
        page = Page(
            json.dumps([{"conversationId": str(n)} for n in range(size)]).encode(), "conversations", size, 3
        )
        packed = run(PackedPage.of(page))
        assert run(packed.unpack()) == page
        if size > 10:
            assert len(packed.page.body) < len(page.body) / 3


@pytest.mark.parametrize("vanishing", ["job-1", "job-2"])
def test_a_slice_whose_job_vanishes_goes_on_while_later_ones_wait_for_a_place(vanishing):
    jobs = ManyJobs(5000)
    jobs.limit = 2

    def handler(request):
        if request.url.path == f"{JOBS}/{vanishing}/results" and vanishing in jobs.jobs:
            del jobs.jobs[vanishing]
        if request.url.path.startswith(f"{JOBS}/{vanishing}") and vanishing not in jobs.jobs:
            return reply(error_body("not.found", "no such job", 404), 404)
        return jobs(request)

    assert slices_of(handler, 6) == [str(number) for number in range(5000)]
    assert (jobs.submitted, jobs.jobs) == (7, {})


def test_the_slice_that_knows_least_tells_how_far_the_data_reaches():
    jobs = ManyJobs(100)
    told = iter(["2026-11-21T09:00:00Z", "2026-11-21T05:00:00Z", "2026-11-21T07:00:00Z"])

    def handler(request):
        answer = jobs(request)
        if request.url.path.endswith("/results"):
            return reply({**json.loads(answer.content), "dataAvailabilityDate": next(told)})
        return answer

    async def scenario():
        async with FakeApi(handler).client() as client:
            details = ConversationDetails(client, source="job", job_slices=3)
            await collect(details)
            return details.progress.available_until

    assert run(scenario()) == parse_instant("2026-11-21T05:00:00Z")


def test_no_slices_are_refused():
    with pytest.raises(ConfigurationError, match="job_slices"):
        slices_of(ManyJobs(1), 0)
