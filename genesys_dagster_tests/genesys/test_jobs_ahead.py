"""Jobs of the days that are read next: submitted with the present one's, found when their turn comes, never in its way."""

import json
from datetime import timedelta

import pytest

from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import Later
from genesys_dagster_tests.genesys.fake_jobs import FakeJobs, numbers
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    JOBS,
    FakeApi,
    FakeClock,
    collect,
    error_body,
    export,
    ids,
    reply,
    run,
)
from genesys_dagster_tests.genesys.test_job_ledger import Ledger


def days(count):
    length = timedelta(days=1)
    return [Later(Interval(DAY.start + at * length, DAY.end + at * length), Ledger()) for at in range(count)]


@pytest.fixture
def jobs():
    jobs = FakeJobs(5)
    jobs.available = jobs.results_available = "2026-11-24T12:00:00.000Z"  # the ends of four days
    return jobs


def export_days(handler, wanted, ahead, api=None):
    """Day after day, as a run does; what came, and the API."""
    api = api or FakeApi(handler)
    came = [
        run(export(api, day, source="job", ledger=ledger, later=wanted[at : at + ahead]))
        for at, (day, ledger) in enumerate(wanted, start=1)
    ]
    return came, api


def asked_for(jobs):
    return [question["interval"] for question in jobs.submitted]


@pytest.mark.parametrize("ahead", [0, 1, 2, 9])
def test_each_day_is_submitted_once_and_in_order_however_many_ahead(jobs, ahead):
    wanted = days(4)
    came, api = export_days(jobs, wanted, ahead)
    assert came == [numbers(5)] * 4
    assert asked_for(jobs) == [day.as_text() for day, _ in wanted]
    assert [ledger.jobs for _, ledger in wanted] == [{}] * 4
    assert jobs.deleted == ["job-1", "job-2", "job-3", "job-4"]
    # Ahead or not, a job takes as many requests: submitted, asked about once, read, deleted.
    assert [api.count("GET", f"{JOBS}/job-{number}") for number in (1, 2, 3, 4)] == [1] * 4


def test_the_next_jobs_are_under_way_before_the_first_is_done(jobs):
    seen = []

    def handler(request):
        if request.url.path.endswith("/results") and not seen:
            seen.append(len(jobs.submitted))
        return jobs(request)

    jobs.states = ["PENDING"] * 9 + ["FULFILLED"]
    export_days(handler, days(3), 2)
    assert seen == [3]


def test_nothing_is_submitted_that_the_watermark_has_not_passed(jobs):
    first, *later = days(6)
    run(export(FakeApi(jobs), first.interval, source="job", ledger=first.ledger, later=later))
    assert asked_for(jobs) == [day.as_text() for day, _ in days(4)]


@pytest.mark.parametrize(
    "answer",
    [
        reply(error_body("server.error", "oops", 500), 500),
        reply(error_body("bad.request", "no", 400), 400),
        reply({}, 202),
        reply(error_body("too.many.jobs", "details.jobs.concurrent.access.max", 429), 429),
    ],
    ids=["500", "400", "no id", "one too many"],
)
def test_a_job_that_cannot_be_submitted_ahead_is_asked_for_once_and_costs_nothing(jobs, answer):
    first, *later = days(3)
    tried = []

    def handler(request):
        if request.method == "POST" and request.url.path == JOBS and jobs.submitted:
            tried.append(json.loads(request.content)["interval"])
            return answer
        return jobs(request)

    api = FakeApi(handler)
    assert run(export(api, first.interval, source="job", ledger=first.ledger, later=later)) == numbers(5)
    assert tried == [later[0].interval.as_text()]
    assert later[0].ledger.jobs == {}


def test_an_export_that_is_closed_early_leaves_the_noted_jobs_to_the_next(jobs):
    first, second = days(2)
    jobs.states = ["PENDING"] * 5 + ["FULFILLED"]

    async def closed_early():
        async with FakeApi(jobs).client(FakeClock()) as client:
            details = ConversationDetails(client, source="job", ledger=first.ledger, later=[second])
            pages = details.pages(first.interval)
            page = await anext(pages)
            await pages.aclose()
            return ids(page)

    assert run(closed_early()) == numbers(5)
    noted = len(jobs.submitted)
    assert run(export(FakeApi(jobs), second.interval, source="job", ledger=second.ledger)) == numbers(5)
    assert (noted, len(jobs.submitted)) == (2, 2)


def test_a_day_from_the_query_submits_nothing(jobs):
    first, *later = days(3)
    run(collect_from_query(jobs, first, later))
    assert jobs.submitted == []


async def collect_from_query(jobs, first, later):
    async with FakeApi(jobs).client(FakeClock()) as client:
        return await collect(
            ConversationDetails(client, source="query", ledger=first.ledger, later=later), first.interval
        )
