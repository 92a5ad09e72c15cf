"""The organization's limit on bulk jobs under way: fewer at once, or waiting for others, but no failure."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.errors import JobLimitError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster_tests.conftest import DAY as DATE
from genesys_dagster_tests.genesys.fakes import FakeApi, FakeClock, collect, error_body, ids, reply, run
from genesys_dagster_tests.genesys.test_slices import ManyJobs, slices_of

DAY = Interval(
    datetime(DATE.year, DATE.month, DATE.day, tzinfo=UTC),
    datetime(DATE.year, DATE.month, DATE.day, tzinfo=UTC) + timedelta(days=1),
)
QUICK = {"first_poll": 0.05, "longest_poll": 0.1}
LIMIT = {"key": "details.jobs.concurrent.access.max", "namespace": "analytics", "value": 2}


def refusal():
    return reply({**error_body("too.many.requests", "words", 429), "limit": LIMIT}, 429)


def client_of(sandbox, **options):
    return GenesysClient(
        ClientSettings(
            client_id=sandbox.settings.client_id,
            client_secret=sandbox.settings.client_secret,
            api_url=sandbox.url,
            login_url=sandbox.url,
            **options,
        )
    )


async def exported(client, slices):
    """The ids of a day's conversations, in order, each as often as it starts in the day and is delivered."""
    pages = await collect(ConversationDetails(client, source="job", job_slices=slices, **QUICK), DAY)
    return [row for page in pages for row in ids(page)]


def truth(sandbox):
    return [row["conversationId"] for row in sandbox.org.day(DATE, sandbox.settings.watermark)]


def refusals(sandbox):
    return sum(request.status == 429 for request in sandbox.requests)


def test_eight_slices_where_two_jobs_are_allowed_go_on_with_two_at_once(sandbox):
    sandbox.settings.concurrent_jobs, sandbox.settings.job_delay = 2, 0.5

    async def scenario():
        async with client_of(sandbox) as client:
            return await exported(client, 8), client.stats

    began = time.monotonic()
    rows, stats = run(scenario())
    # A conversation that crosses from one slice into the next comes with both.
    assert list(dict.fromkeys(rows)) == truth(sandbox)
    assert (stats.retries, stats.rate_limit_waits) == (0, 0)
    assert 0 < refusals(sandbox) <= 6  # once for each slice after the first two, at most
    assert sandbox.jobs == {}
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("slices", [1, 8])
def test_a_limit_that_others_use_up_for_a_while_is_waited_for(sandbox, slices):
    sandbox.settings.concurrent_jobs, sandbox.settings.job_delay = 2, 1.0

    async def scenario():
        async with client_of(sandbox) as others, client_of(sandbox) as client:
            for _ in range(2):
                await others.post_json(
                    "/api/v2/analytics/conversations/details/jobs", {"interval": DAY.as_text()}
                )
            sandbox.settings.job_delay = 0.05
            return await exported(client, slices), client.stats

    rows, stats = run(scenario())
    assert list(dict.fromkeys(rows)) == truth(sandbox)
    assert (stats.retries, stats.rate_limit_waits) == (0, 0)
    assert refusals(sandbox) > 2


@pytest.mark.parametrize("slices", [1, 4])
def test_a_limit_that_others_use_up_for_as_long_as_a_job_may_take_is_an_error_to_try_again(slices):
    jobs, clock = ManyJobs(100), FakeClock()
    jobs.limit, jobs.refusal = 0, refusal
    with pytest.raises(JobLimitError, match=r"as many bulk jobs.*details\.jobs\.concurrent") as raised:
        slices_of(jobs, slices, clock=clock, max_job_wait=timedelta(minutes=30))
    assert raised.value.retryable
    assert 25 * 60 < clock.time - 1000 <= 30 * 60
    assert jobs.refused < 80


def test_other_requests_go_on_while_a_job_waits():
    jobs, clock = ManyJobs(10), FakeClock()
    jobs.limit = 0
    refused = asyncio.Event()

    def tell():
        refused.set()
        return refusal()

    jobs.refusal = tell

    async def scenario():
        async with FakeApi(jobs).client(clock) as client:
            details = ConversationDetails(client, source="job", max_job_wait=timedelta(seconds=20))
            export = asyncio.ensure_future(collect(details))
            await refused.wait()
            asked = clock.time
            await client.get_json("/api/v2/analytics/conversations/details/jobs/availability")
            waited = clock.time - asked
            await asyncio.gather(export, return_exceptions=True)
            return waited

    assert run(scenario()) < 5


def test_a_refused_job_is_submitted_again_when_the_server_says():
    jobs, clock = ManyJobs(10), FakeClock()
    jobs.limit = 0

    def not_before():
        jobs.limit = 1
        return reply({**error_body("too.many.requests", "words", 429), "limit": LIMIT}, 429, retry_after="7")

    jobs.refusal = not_before
    assert slices_of(jobs, 1, clock=clock) == [str(number) for number in range(10)]
    assert clock.slept[0] == 7


def test_a_limit_by_the_second_is_waited_for_by_the_second():
    jobs, clock = ManyJobs(3000), FakeClock()
    per_second = {"key": "details.jobs.rate.per.second", "namespace": "analytics", "value": 2}
    jobs.limit = 0

    def once():
        jobs.limit = 10
        return reply({**error_body("too.many.requests", "words", 429), "limit": per_second}, 429)

    jobs.refusal = once
    assert len(slices_of(jobs, 4, clock=clock)) == 3000
    assert jobs.refused == 1
    assert clock.time - 1000 < 5
