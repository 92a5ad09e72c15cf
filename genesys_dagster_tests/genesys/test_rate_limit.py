import asyncio
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.rate_limit import Budget, RateLimiter, shared_budget
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
        assert (sum(clock.slept), waits) == (60.0, [60.0])

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
        await limit.pause(40)
        await limit.pause(3)
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
        await limit.pause(60)
        waiting = asyncio.create_task(limit.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        limit._clock.time += 61
        await limit.acquire()

    run(scenario(), patience=2)


def test_connections_of_one_oauth_client_have_one_allowance_and_others_have_their_own():
    async def scenario():
        clock = FakeClock()
        one, same, other = (
            RateLimiter(3, clock, lambda seconds: None, shared_budget(client, clock))
            for client in ("a", "a", "b")
        )
        await asyncio.gather(one.acquire(), same.acquire(), other.acquire(), other.acquire(), same.acquire())
        assert clock.slept == []
        await one.acquire()
        assert sum(clock.slept) == 60

    run(scenario())


def test_clients_with_another_clock_share_nothing():
    assert shared_budget("a", FakeClock()) is not shared_budget("a", FakeClock())


def test_a_429_of_one_connection_holds_back_the_others_of_its_client():
    async def scenario():
        clock = FakeClock()
        one, same = (RateLimiter(300, clock, lambda seconds: None, shared_budget("a", clock)) for _ in "ab")
        await one.pause(25)
        await same.acquire()
        assert sum(clock.slept) == 25

    run(scenario())


def test_the_budget_holds_across_threads_and_event_loops():
    class Standing(FakeClock):
        """Time stands still, so that a sleeper sleeps until it is cancelled."""

        async def sleep(self, seconds):
            await asyncio.Event().wait()

    clock, granted = Standing(), []

    def in_a_loop_of_its_own():
        async def take():
            limit = RateLimiter(100, clock, lambda seconds: None, shared_budget("a", clock))
            while True:
                await asyncio.wait_for(limit.acquire(), 0.2)
                granted.append(1)

        with pytest.raises(TimeoutError):
            asyncio.run(take())

    threads = [threading.Thread(target=in_a_loop_of_its_own) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 100


ANY_HEADER = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.integers(0, 10**40).map(str),
    st.floats().map(str),
    st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.integers(-1000, 1000).map(lambda seconds: str(int(NOW.timestamp()) + seconds)),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(ANY_HEADER, ANY_HEADER, ANY_HEADER), max_size=4))
def test_no_header_lets_a_request_wait_longer_than_two_windows(answers):
    async def scenario():
        clock = FakeClock()
        limit = RateLimiter(300, clock, lambda seconds: None, Budget())
        for allowed, count, reset in answers:
            limit.observe(
                {
                    "inin-ratelimit-allowed": allowed,
                    "inin-ratelimit-count": count,
                    "inin-ratelimit-reset": reset,
                }
            )
        await limit.acquire()
        assert sum(clock.slept) <= 120

    run(scenario())


def test_a_wait_says_every_half_minute_what_it_waits_for(caplog):
    caplog.set_level("INFO", "genesys_dagster")

    async def scenario():
        clock = FakeClock()
        limit, _ = limiter(300, clock)
        await limit.pause(100)
        await limit.acquire()

    run(scenario())
    assert [record.getMessage() for record in caplog.records] == [
        f"still waiting for the rate limit of Genesys Cloud, since 00:00:00 UTC ({seconds} s)"
        for seconds in (30, 60, 90)
    ]
