import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.errors import (
    MalformedResponseError,
    PaginationLoopError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.paging import CursorTrail, along_cursor, entities, in_order
from genesys_dagster_tests.genesys.fakes import FakeApi, items, reply, run


async def drain(iterator, got):
    async for item in iterator:
        got.append(item)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=30), st.integers(1, 6))
def test_results_come_in_the_order_asked_for_whichever_is_ready_first(delays, ahead):
    async def scenario():
        async def fetch(number, delay):
            for _ in range(delay):
                await asyncio.sleep(0)
            return number

        fetches = [lambda n=n, d=d: fetch(n, d) for n, d in enumerate(delays)]
        return await items(in_order(fetches, ahead))

    assert run(scenario()) == list(range(len(delays)))


@pytest.mark.parametrize("ahead", [1, 3, 5])
def test_no_more_is_fetched_ahead_than_allowed(ahead):
    async def scenario():
        started = []

        async def fetch(number):
            started.append(number)
            return number

        async with aclosing(in_order([lambda n=n: fetch(n) for n in range(50)], ahead)) as results:
            async for number in results:
                for _ in range(20):
                    await asyncio.sleep(0)
                assert len(started) <= number + 1 + ahead

    run(scenario())


def test_closing_cancels_what_is_under_way():
    async def scenario():
        cancelled = []

        async def fetch(number):
            if number == 0:
                return number
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(number)
                raise

        async with aclosing(in_order([lambda n=n: fetch(n) for n in range(9)], 3)) as results:
            async for _ in results:
                await asyncio.sleep(0)
                break
        return cancelled

    assert run(scenario()) == [1, 2, 3]


def test_an_error_ends_the_iteration_in_its_turn_and_cancels_the_rest():
    async def scenario():
        async def fetch(number):
            if number == 2:
                raise ValueError(number)
            return number

        got = []
        with pytest.raises(ValueError, match="2"):
            await drain(in_order([lambda n=n: fetch(n) for n in range(9)], 4), got)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return got

    assert run(scenario()) == [0, 1]


def chain(length, log=None):
    async def fetch(cursor):
        number = int(cursor or 0)
        if log is not None:
            log.append(number)
        await asyncio.sleep(0)
        return number, str(number + 1) if number + 1 < length else None

    return fetch


@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_a_chain_of_cursors_is_followed_to_its_end(length, ahead):
    assert run(items(along_cursor(chain(length), ahead))) == list(range(length))


@pytest.mark.parametrize("ahead", [1, 2])
def test_the_next_pages_of_a_chain_are_fetched_while_the_consumer_is_busy(ahead):
    async def scenario():
        log = []
        async with aclosing(along_cursor(chain(20, log), ahead)) as pages:
            async for number in pages:
                for _ in range(30):
                    await asyncio.sleep(0)
                assert len(log) == min(20, number + 1 + ahead)

    run(scenario())


def test_an_error_in_a_chain_is_raised_after_the_pages_before_it():
    async def scenario():
        async def fetch(cursor):
            if cursor == "2":
                raise ValueError("here")
            return await chain(9)(cursor)

        got = []
        with pytest.raises(ValueError, match="here"):
            await drain(along_cursor(fetch, 2), got)
        return got

    assert run(scenario()) == [0, 1]


def test_closing_a_chain_cancels_the_fetch_under_way():
    async def scenario():
        async def fetch(cursor):
            if cursor:
                await asyncio.Event().wait()
            return 0, "1"

        async with aclosing(along_cursor(fetch, 2)) as pages:
            async for _ in pages:
                break
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario(), patience=2)


async def cancelled_at_two(cursor):
    if cursor == "2":
        raise asyncio.CancelledError
    return await chain(9)(cursor)


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_cancellation_in_a_chain_that_nobody_asked_for_is_an_error(ahead):
    got = []
    with pytest.raises(ServiceUnavailableError, match="cancelled"):
        run(drain(along_cursor(cancelled_at_two, ahead), got), patience=3)
    assert got == [0, 1]


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_cancellation_among_concurrent_fetches_that_nobody_asked_for_is_an_error(ahead):
    fetches = [lambda n=n: cancelled_at_two(str(n)) for n in range(9)]
    with pytest.raises(ServiceUnavailableError, match="cancelled"):
        run(drain(in_order(fetches, ahead), []), patience=3)


@pytest.mark.parametrize("reader", ["in_order", "along_cursor"])
def test_a_cancellation_of_the_consumer_stays_one(reader):
    async def hanging(cursor=None):
        await asyncio.Event().wait()

    async def scenario():
        pages = in_order([hanging], 2) if reader == "in_order" else along_cursor(hanging, 2)
        consumer = asyncio.ensure_future(items(pages))
        await asyncio.sleep(0.01)
        consumer.cancel()
        await asyncio.wait([consumer])
        return consumer.cancelled()

    assert run(scenario(), patience=3)


def test_a_cursor_is_followed_only_once():
    trail = CursorTrail("/path")
    assert [trail.follow(cursor, mark) for mark, cursor in enumerate(("a", "b", None))] == ["a", "b", None]
    with pytest.raises(PaginationLoopError, match=r"second time.*/path"):
        trail.follow("a", 3)


@pytest.mark.parametrize("marks", [[None] * 9, [1] * 9, [1, None, 1, None, 1, 1, None], [1, 2, 3, 2, 3, 1]])
def test_ever_new_cursors_that_lead_to_nothing_new_are_not_followed_for_ever(marks):
    trail = CursorTrail("/path")
    with pytest.raises(PaginationLoopError, match="nothing new") as caught:
        list(map(trail.follow, map(str, range(len(marks))), marks))
    assert caught.value.retryable


def listing(pages, *, uri=False, count=True):
    def handler(request):
        number = int(request.url.params["pageNumber"])
        body = {"entities": [{"id": str(i)} for i in pages[number - 1]], "pageNumber": number}
        if count:
            body["pageCount"] = len(pages)
        if uri and number < len(pages):
            body["nextUri"] = f"/api/v2/users?pageNumber={number + 1}"
        return reply(body)

    return FakeApi(handler)


def list_all(api, params=None):
    async def scenario():
        async with api.client() as client:
            return [entity["id"] for entity in await items(entities(client, "/api/v2/users", params))]

    return run(scenario())


def test_a_listing_is_read_to_its_last_page_even_if_pages_are_shorter_than_asked_for():
    assert list_all(listing([[1, 2], [], [3]])) == ["1", "2", "3"]


def test_a_listing_without_page_count_is_read_along_its_next_address():
    assert list_all(listing([[1, 2], [3]], uri=True, count=False)) == ["1", "2", "3"]


def test_an_empty_listing_has_no_entities():
    assert list_all(FakeApi(lambda request: reply({"entities": None, "pageCount": 0}))) == []


def test_parameters_of_a_listing_are_passed_on():
    api = listing([[1]])
    list_all(api, {"state": "any", "pageSize": 25})
    assert dict(api.seen[0].url.params) == {"state": "any", "pageSize": "25", "pageNumber": "1"}


def test_a_listing_that_names_the_same_next_page_again_is_a_loop():
    api = FakeApi(lambda request: reply({"entities": [{"id": "1"}], "nextUri": "/api/v2/users?pageNumber=2"}))
    with pytest.raises(PaginationLoopError):
        list_all(api)


def test_what_is_no_listing_is_malformed():
    with pytest.raises(MalformedResponseError):
        list_all(FakeApi(lambda request: reply({"entities": {"a": 1}})))
