"""Where answers take long, a large day is cut into slices by itself, and the rate limit alone decides how long it takes."""

import asyncio

import pytest

from genesys_dagster.genesys import client, packing
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.slices import slices_worth
from genesys_dagster_tests.genesys.fakes import QUERY, FakeApi, collect, ids, reply
from genesys_dagster_tests.genesys.test_slices import ManyJobs
from genesys_dagster_tests.genesys.virtual_time import VirtualClock, run_in_virtual_time

PER_MINUTE = 300


class DistantApi(FakeApi):
    """Every answer, logins included, comes late."""

    def __init__(self, handler, seconds):
        super().__init__(handler)
        self.seconds = seconds

    async def handle_async_request(self, request):
        await asyncio.sleep(self.seconds)
        return await super().handle_async_request(request)


def exported(jobs, seconds, **options):
    """An export with the defaults; returns what came, the seconds it took, and the requests."""
    api = DistantApi(jobs, seconds)

    async def export():
        async with api.client(VirtualClock(), requests_per_minute=PER_MINUTE) as connected:
            return await collect(ConversationDetails(connected, source="job", **options))

    pages, took = run_in_virtual_time(export())
    return [row for page in pages for row in ids(page)], took, len(api.requests)


@pytest.fixture(autouse=True)
def no_threads(monkeypatch):
    """Virtual time knows nothing of threads."""
    for module in (client, packing):
        monkeypatch.setattr(module, "_WORTH_A_THREAD", 2**40)


def test_a_large_day_a_second_away_takes_little_more_than_the_rate_limit_dictates():
    jobs = ManyJobs(100_000)
    records, took, requests = exported(jobs, 1.0)
    assert records == [str(number) for number in range(100_000)]
    of_one_job = 100 + 5
    assert took < 1.5 * of_one_job * 60 / PER_MINUTE
    assert requests < 1.6 * of_one_job
    assert (jobs.jobs, jobs.submitted) == ({}, 16)


def test_one_job_would_have_taken_three_times_as_long():
    _, in_slices, _ = exported(ManyJobs(100_000), 1.0)
    _, took, _ = exported(ManyJobs(100_000), 1.0, job_slices=1)
    assert took > 3 * in_slices


@pytest.mark.parametrize(("count", "seconds"), [(100_000, 0.05), (100_000, 0.29), (15_000, 1.0), (0, 5.0)])
def test_a_server_that_is_near_and_a_small_day_get_one_job(count, seconds):
    jobs = ManyJobs(count)
    records, _, _ = exported(jobs, seconds)
    assert len(records) == count
    assert jobs.submitted == 1


def test_a_server_that_does_not_say_how_many_to_expect_gets_one_job():
    jobs = ManyJobs(30_000)

    def says_nothing(request):
        return reply({}) if request.url.path == QUERY else jobs(request)

    records, _, _ = exported(says_nothing, 1.0)
    assert len(records) == 30_000
    assert jobs.submitted == 1


@pytest.mark.parametrize(
    ("records", "answer_seconds", "per_minute", "slices"),
    [
        (100_000, 1.0, 300, 16),
        (50_000, 1.0, 300, 8),
        (20_000, 1.0, 300, 3),
        (19_000, 1.0, 300, 1),
        (100_000, 0.3, 300, 1),
        (100_000, 0.31, 300, 16),
        (100_000, 0.2, 600, 16),
        (0, 1.0, 300, 1),
    ],
)
def test_slices_are_worth_it_for_many_pages_that_take_longer_than_the_limit(
    records, answer_seconds, per_minute, slices
):
    assert slices_worth(records, 1000, answer_seconds, per_minute) == slices
