import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.rate_limit import RateLimiter, pause_after_429
from genesys_dagster_tests.genesys.fakes import FakeClock, run

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def limiter(per_minute, clock):
    waits = []
    made = RateLimiter(per_minute, clock, waits.append)
    return made, waits


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.lists(st.floats(0, 45), max_size=80))
def test_no_minute_ever_holds_more_requests_than_allowed(per_minute, pauses):
    async def grants():
        clock = FakeClock()
        limit, _ = limiter(per_minute, clock)
        times = []
        for pause in pauses:
            clock.time += pause
            await limit.acquire()
            times.append(clock.time)
        return times

    times = run(grants())
    assert all(
        later - earlier >= 60 - 1e-6 for earlier, later in zip(times, times[per_minute:], strict=False)
    )


def test_a_minutes_worth_goes_out_at_once_and_the_next_waits_for_the_minute_to_pass():
    async def scenario():
        clock = FakeClock()
        limit, waits = limiter(300, clock)
        for _ in range(300):
            await limit.acquire()
        assert clock.slept == []
        await limit.acquire()
        assert clock.slept == waits == [60.0]

    run(scenario())


@pytest.mark.parametrize("more", [{}, {"inin-ratelimit-count": "0", "inin-ratelimit-reset": "60"}])
def test_a_lower_allowance_of_the_server_is_obeyed(more):
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        limit.observe({"inin-ratelimit-allowed": "10", **more})
        for _ in range(10):
            await limit.acquire()
        assert clock.slept == []
        await limit.acquire()
        assert sum(clock.slept) == 60

    run(scenario())


def test_a_higher_allowance_of_the_server_does_not_lift_the_own_limit():
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(2, clock)
        limit.observe(
            {"inin-ratelimit-allowed": "900", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "30"}
        )
        for _ in range(3):
            await limit.acquire()
        assert sum(clock.slept) == 60

    run(scenario())


def test_requests_of_other_programs_that_the_server_counts_leave_less_for_this_one():
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        limit.observe(
            {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "297", "inin-ratelimit-reset": "25"}
        )
        for _ in range(3):
            await limit.acquire()
        assert clock.slept == []
        await limit.acquire()
        assert clock.slept == [25.0]

    run(scenario())


def test_an_answer_that_was_overtaken_does_not_raise_the_servers_allowance_again():
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        limit.observe(
            {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "300", "inin-ratelimit-reset": "25"}
        )
        limit.observe(
            {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "290", "inin-ratelimit-reset": "25"}
        )
        await limit.acquire()
        assert clock.slept == [25.0]

    run(scenario())


def test_a_new_window_of_the_server_starts_afresh():
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        limit.observe(
            {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "300", "inin-ratelimit-reset": "5"}
        )
        clock.time += 6
        limit.observe(
            {"inin-ratelimit-allowed": "300", "inin-ratelimit-count": "1", "inin-ratelimit-reset": "60"}
        )
        await limit.acquire()
        assert clock.slept == []

    run(scenario())


@pytest.mark.parametrize("value", ["", "many", "-3", "0", "1.5", "²"])
def test_unreadable_headers_change_nothing(value):
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(1, clock)
        limit.observe({"inin-ratelimit-allowed": value, "inin-ratelimit-count": "5"})
        await limit.acquire()
        assert clock.slept == []

    run(scenario())


def test_a_pause_holds_everyone_back_and_a_shorter_one_does_not_end_it():
    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        limit.pause(40)
        limit.pause(3)
        begun = clock.time
        await asyncio.gather(*(limit.acquire() for _ in range(4)))
        assert clock.time - begun == 40

    run(scenario())


def test_a_waiting_request_can_be_cancelled_and_the_next_one_gets_its_turn():
    async def scenario():
        class NeverClock(FakeClock):
            async def sleep(self, seconds):
                await asyncio.Event().wait()

        limit, _ = limiter(300, NeverClock())
        limit.pause(60)
        waiting = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        limit._clock.time += 61
        await limit.acquire()

    run(scenario(), patience=2)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "7"}, "Retry the request in [50] seconds", 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 00:00:30 GMT"}, None, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 00:00:30 GMT"}, None, 0.0),
        ({}, "Rate limit exceeded the maximum. Retry the request in [42] seconds", 42.0),
        ({}, "Rate limit exceeded the maximum. Retry the request in 3 seconds", 3.0),
        ({"retry-after": "soon"}, "no idea", 60.0),
        ({}, None, 60.0),
    ],
)
def test_the_wait_after_a_429_is_read_from_the_header_then_the_message_then_a_minute(
    headers, message, seconds
):
    assert pause_after_429(headers, message, NOW) == seconds


@settings(deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(days=2)))
def test_every_http_date_in_the_future_is_a_wait_of_that_length(ahead):
    when = (NOW + ahead).replace(microsecond=0)
    header = {"retry-after": when.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    assert pause_after_429(header, None, NOW) == (when - NOW).total_seconds()
