"""Where answers take long, a large day is cut into slices by itself, and the rate limit alone decides how long it takes."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys import client, packing
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.cuts import Cuts, balanced_slices, cuts_worth
from genesys_dagster_tests.genesys.fakes import DAY, QUERY, FakeApi, collect, evenly, ids, reply
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
    """An export with the defaults; returns what came, when each page did, and the number of requests."""
    api = DistantApi(jobs, seconds)

    async def export():
        at, rows = [], []
        async with api.client(VirtualClock(), requests_per_minute=PER_MINUTE) as connected:
            async for page in ConversationDetails(connected, source="job", **options).pages(DAY):
                at.append(asyncio.get_running_loop().time())
                rows += ids(page)
        return rows, at

    (rows, at), _ = run_in_virtual_time(export())
    return rows, at, len(api.requests)


def busy_hours(count):
    """A day of which nine tenths of the conversations begin in twelve hours."""
    opening, length = timedelta(hours=8), timedelta(hours=12)
    in_busy = count * 9 // 10
    starts = [DAY.start + opening + length * number / in_busy for number in range(in_busy)]
    for number in range(count - in_busy):
        at = length * number / (count - in_busy)
        starts.append(DAY.start + (at if at < opening else at + length))
    return sorted(starts)


@pytest.fixture(autouse=True)
def no_threads(monkeypatch):
    """Virtual time knows nothing of threads."""
    for module in (client, packing):
        monkeypatch.setattr(module, "_WORTH_A_THREAD", 2**40)


@pytest.mark.parametrize(
    ("starts", "count", "seconds"),
    [
        (evenly, 50_000, 0.3),
        (evenly, 100_000, 1.0),
        (busy_hours, 50_000, 1.5),
        (busy_hours, 100_000, 0.3),
        (busy_hours, 100_000, 0.5),
        (busy_hours, 100_000, 1.5),
        (busy_hours, 200_000, 1.5),
    ],
)
def test_from_the_first_to_the_last_page_a_large_day_far_away_comes_as_fast_as_the_limit_allows(
    starts, count, seconds
):
    jobs = ManyJobs(count)
    jobs.starts = starts(count)
    records, at, requests = exported(jobs, seconds)
    assert list(dict.fromkeys(records)) == [str(number) for number in range(count)]
    pages = count // 1000
    dictated = (pages - 1) * 60 / PER_MINUTE
    assert at[-1] - at[0] < dictated / 0.9
    # Four for each slice, twelve to cut them by, and login, availability and the number.
    assert requests < pages + 5 * jobs.submitted + 20
    assert jobs.submitted <= max(9, pages / 11)
    assert jobs.jobs == {}


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_places_that_are_given_out_of_order_hold_nothing_up(limit, random):
    """Each slice has more pages than may wait, so one that got a place too early ends only after those before it."""
    jobs = ManyJobs(2_000)
    jobs.limit, jobs.largest_page = limit, 10
    api = DistantApi(jobs, 0.0)

    async def late(request, answer=api.handle_async_request):
        api.seconds = random.uniform(0.05, 3.0)
        return await answer(request)

    api.handle_async_request = late

    async def export():
        async with api.client(VirtualClock(), requests_per_minute=10**6) as connected:
            return await collect(ConversationDetails(connected, source="job", job_slices=8))

    pages, took = run_in_virtual_time(export())
    assert [row for page in pages for row in ids(page)] == [str(number) for number in range(2_000)]
    assert took < 8 * 60 * 3.0
    assert jobs.jobs == {}


def test_one_job_would_have_taken_three_times_as_long():
    _, in_slices, _ = exported(ManyJobs(100_000), 1.0)
    _, in_one, _ = exported(ManyJobs(100_000), 1.0, job_slices=1)
    assert in_one[-1] > 3 * in_slices[-1]


@pytest.mark.parametrize(("count", "seconds"), [(100_000, 0.05), (100_000, 0.21), (15_000, 1.0), (0, 5.0)])
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
    ("records", "answer_seconds", "per_minute", "slices", "at_once"),
    [
        (200_000, 1.0, 300, 17, 9),
        (100_000, 1.0, 300, 9, 9),
        (50_000, 1.0, 300, 9, 9),
        (20_000, 1.0, 300, 4, 4),
        (19_000, 1.0, 300, 1, 1),
        (100_000, 0.22, 300, 1, 1),
        (100_000, 0.3, 300, 9, 3),
        (100_000, 0.15, 600, 9, 3),
        (0, 1.0, 300, 1, 1),
    ],
)
def test_slices_are_worth_it_for_many_pages_that_take_longer_than_the_limit(
    records, answer_seconds, per_minute, slices, at_once
):
    assert cuts_worth(records, 1000, answer_seconds, per_minute) == Cuts(slices, at_once)


@given(st.integers(0, 10**6), st.floats(0, 5), st.floats(0, 5))
def test_how_far_the_server_is_decides_how_many_slices_are_read_at_once_not_where_they_begin(
    records, one_time, another_time
):
    """A second attempt takes over the jobs of the first by their intervals."""
    cuts = {cuts_worth(records, 1000, seconds, PER_MINUTE).slices for seconds in (one_time, another_time)}
    assert len(cuts - {1}) <= 1


@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=24), st.integers(1, 40))
def test_balanced_slices_meet_without_gap_or_overlap_and_hold_about_as_many_each(records, count):
    parts = balanced_slices(DAY, count, records)
    assert (parts[0].start, parts[-1].end) == (DAY.start, DAY.end)
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert len(parts) <= count

    def until(moment):
        at = (moment - DAY.start) / DAY.length * len(records)
        whole = int(at)
        return sum(records[:whole]) + (records[whole] * (at - whole) if at > whole else 0)

    in_five_minutes = max(records) * len(records) / 288
    for part in parts if sum(records) else ():
        assert until(part.end) - until(part.start) <= sum(records) / count + in_five_minutes + 1
