import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys import query
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.errors import (
    ConfigurationError,
    IntervalTooDenseError,
    MalformedResponseError,
    PaginationLoopError,
    RequestRejectedError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.query import smallest_factor
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    QUERY,
    FakeApi,
    FakeQuery,
    error_body,
    evenly,
    export,
    ids,
    reply,
    run,
)


def numbers(count):
    return [str(number) for number in range(count)]


def export_query(server, interval=DAY, **options):
    return run(export(FakeApi(server), interval, source="query", requests_per_minute=10**6, **options))


def unique(rows):
    return list(dict.fromkeys(rows))


def test_the_question_is_the_documented_one():
    server = FakeQuery(evenly(1))
    export_query(server)
    assert server.bodies[0] == {
        "interval": "2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z",
        "order": "asc",
        "orderBy": "conversationStart",
        "paging": {"pageSize": 100, "pageNumber": 1},
    }


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 1000])
def test_every_conversation_arrives_once_and_in_order(count):
    assert export_query(FakeQuery(evenly(count))) == numbers(count)


def test_an_empty_day_is_one_empty_page():
    async def scenario():
        async with FakeApi(FakeQuery([])).client() as client:
            details = ConversationDetails(client, source="query")
            return [page async for page in details.pages(DAY)], details.progress

    pages, progress = run(scenario())
    assert [(page.body, page.records, page.records_key, page.number) for page in pages] == [
        (b"{}", 0, "conversations", 1)
    ]
    assert (progress.source, progress.total_hits, progress.pages, progress.records) == ("query", 0, 1, 0)


def test_no_more_pages_are_asked_for_than_needed():
    server = FakeQuery(evenly(250))
    export_query(server)
    assert [body["paging"]["pageNumber"] for body in server.bodies] == [1, 2, 3]


def test_pages_are_fetched_concurrently_after_the_first():
    async def scenario():
        api = FakeApi(FakeQuery(evenly(2000)))
        async with api.client(max_concurrency=4, requests_per_minute=10**6) as client:
            assert [
                page.number async for page in ConversationDetails(client, source="query").pages(DAY)
            ] == list(range(1, 21))
        return api.most_in_flight

    assert run(scenario()) == 4


def test_the_consumer_is_never_more_than_a_few_pages_behind():
    async def scenario():
        api = FakeApi(FakeQuery(evenly(5000)))
        async with api.client(max_concurrency=5, requests_per_minute=10**6) as client:
            pages = ConversationDetails(client, source="query").pages(DAY)
            async for page in pages:
                for _ in range(60):
                    await asyncio.sleep(0)
                assert len(api.requests) <= page.number + 5
            await pages.aclose()

    run(scenario())


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 60),
    page_size=st.sampled_from([1, 3, 10]),
    drift=st.lists(st.integers(-30, 30), min_size=1, max_size=5),
)
def test_no_page_is_skipped_when_total_hits_moves(count, page_size, drift):
    server = FakeQuery(evenly(count))
    server.total_hits = lambda real, number: max(0, real + drift[number % len(drift)])
    assert unique(export_query(server, query_page_size=page_size)) == numbers(count)


def test_conversations_that_arrive_while_paging_are_read_too():
    server = FakeQuery(evenly(200))

    def handler(request):
        if json.loads(request.content)["paging"]["pageNumber"] == 2:
            server.starts = evenly(200) + [DAY.end - timedelta(milliseconds=1)] * 150
        return server(request)

    assert run(export(FakeApi(handler), source="query")) == numbers(350)


def test_a_server_that_allows_only_smaller_pages_is_still_read_completely():
    server = FakeQuery(evenly(130))
    server.page_limit = 20
    assert export_query(server) == numbers(130)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(0, 150), cap=st.sampled_from([20, 40]), clustered=st.booleans())
def test_more_rows_than_can_be_paged_through_are_read_in_halves_of_the_interval(count, cap, clustered):
    starts = evenly(count, Interval(DAY.start, DAY.start + timedelta(hours=1)) if clustered else DAY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query, "ROW_CAP", cap)
        server = FakeQuery(starts, cap)
        assert unique(export_query(server, query_page_size=10)) == numbers(count)
    assert all(body["paging"]["pageSize"] * body["paging"]["pageNumber"] <= cap for body in server.bodies)


def test_a_slice_over_the_cap_is_split_before_it_is_paged():
    server = FakeQuery(evenly(100_001))
    first_halves = []

    def handler(request):
        interval = json.loads(request.content)["interval"]
        if len(first_halves) < 2:
            first_halves.append(interval)
        elif json.loads(request.content)["paging"]["pageNumber"] > 1:
            raise KeyboardInterrupt
        return server(request)

    with pytest.raises(KeyboardInterrupt):
        run(export(FakeApi(handler), source="query", requests_per_minute=10**6))
    assert first_halves == [
        "2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z",
        "2026-11-20T00:00:00.000Z/2026-11-20T12:00:00.000Z",
    ]


def test_rows_beyond_the_cap_that_appear_while_paging_are_obtained(monkeypatch):
    monkeypatch.setattr(query, "ROW_CAP", 40)
    server = FakeQuery(evenly(35), 40)

    def handler(request):
        if json.loads(request.content)["paging"]["pageNumber"] == 3:
            server.starts = evenly(75)
        return server(request)

    rows = run(export(FakeApi(handler), source="query", query_page_size=10))
    assert set(rows) == set(numbers(75))


@pytest.mark.parametrize("understated", [0, 39])
def test_rows_beyond_the_cap_that_were_never_announced_are_obtained(monkeypatch, understated):
    monkeypatch.setattr(query, "ROW_CAP", 40)
    server = FakeQuery(evenly(95), 40)
    server.total_hits = lambda real, number: min(real, understated)
    assert set(export_query(server, query_page_size=10)) == set(numbers(95))


def test_a_server_with_a_lower_cap_than_known_is_read_in_halves():
    assert unique(export_query(FakeQuery(evenly(900), cap=300))) == numbers(900)


def test_an_interval_longer_than_seven_days_is_sliced_from_the_start():
    month = Interval(DAY.start, DAY.start + timedelta(days=30))
    server = FakeQuery(evenly(500, month))
    assert export_query(server, month) == numbers(500)
    assert len({body["interval"] for body in server.bodies}) == 5


def test_a_server_with_a_shorter_longest_interval_is_asked_for_less():
    server = FakeQuery(evenly(50))

    def handler(request):
        start, end = (
            datetime.fromisoformat(part) for part in json.loads(request.content)["interval"].split("/")
        )
        if end - start > timedelta(hours=7):
            words = "You must specify a search interval as part of your query that does not exceed 7 hours"
            return reply(error_body("bad.request", words), 400)
        return server(request)

    assert run(export(FakeApi(handler), source="query")) == numbers(50)


def test_a_moment_with_more_rows_than_can_be_paged_through_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(query, "ROW_CAP", 40)
    server = FakeQuery([DAY.start] * 41, 40)
    with pytest.raises(IntervalTooDenseError, match='source="job"'):
        export_query(server, query_page_size=10)


def test_another_400_is_not_taken_for_a_matter_of_slicing():
    api = FakeApi(lambda request: reply(error_body("bad.request", "Invalid request."), 400))
    with pytest.raises(RequestRejectedError, match=r"Invalid request\."):
        run(export(api, source="query"))
    assert len(api.requests) == 1


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 130), page_size=st.sampled_from([100, 50, 45, 7, 12]), largest=st.integers(1, 60))
def test_pages_too_large_for_the_server_are_read_in_smaller_ones_with_the_same_rows(
    count, page_size, largest
):
    server = FakeQuery(evenly(count))
    server.largest_page = largest
    assert export_query(server, query_page_size=page_size) == numbers(count)


def test_a_single_conversation_too_large_for_the_server_is_an_error():
    server = FakeQuery(evenly(3))
    server.largest_page = 0
    with pytest.raises(RequestRejectedError, match=r"response\.entity\.too\.large"):
        export_query(server, query_page_size=4)


@settings(deadline=None)
@given(st.integers(2, 1000))
def test_a_page_size_is_divided_exactly(size):
    factor = smallest_factor(size)
    assert 1 < factor <= size
    assert size % factor == 0


def test_the_expected_number_of_rows_survives_splitting(monkeypatch):
    monkeypatch.setattr(query, "ROW_CAP", 40)
    assert set(announced_while_reading(DAY, 150)) == {150}


def test_no_request_announces_more_than_a_week():
    assert set(announced_while_reading(Interval(DAY.start, DAY.start + timedelta(days=14)), 30)) == {None}


def announced_while_reading(interval, rows):
    async def scenario():
        async with FakeApi(FakeQuery(evenly(rows, interval), 40)).client() as client:
            details = ConversationDetails(client, source="query", query_page_size=10)
            return [details.progress.total_hits async for _ in details.pages(interval)]

    return run(scenario())


def test_a_gateway_that_ignores_page_numbers_is_a_loop_not_an_endless_export():
    page = {"entities": [{"id": str(number)} for number in range(100)], "nextPage": "abc"}
    with pytest.raises(PaginationLoopError, match='paging="cursor"'):
        run(export(FakeApi(lambda request: reply(page)), source="query"))


def cursor_server(pages, *, header=True, key="entities", total=None):
    tokens = [f"cursor-{number}" for number in range(len(pages))]

    def handler(request):
        body = json.loads(request.content)
        assert body["paging"]["pageNumber"] == 1
        token = request.url.params.get("pageToken")
        number = tokens.index(token) if token else 0
        rows = [{"id" if key == "entities" else "conversationId": row} for row in pages[number]]
        answer, headers = {key: rows}, {}
        if total is not None:
            answer["totalHits"] = total
        if number + 1 < len(pages):
            if header:
                headers = {"X-Genesys-Next-Page": tokens[number + 1]}
                answer["nextPage"] = "not this one"
            else:
                answer["nextPage"] = tokens[number + 1]
        return reply(answer, **headers)

    return handler


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("key", ["entities", "conversations"])
def test_cursors_are_followed_from_the_header_or_else_the_body(header, key):
    api = FakeApi(cursor_server([["a", "b"], [], ["c"]], header=header, key=key))
    assert run(export(api, source="query", paging="cursor")) == ["a", "b", "c"]
    tokens = [request.url.params.get("pageToken") for request in api.seen]
    assert tokens == [None, "cursor-1", "cursor-1", "cursor-2"]  # a page without rows is asked for twice
    assert len({request.content for request in api.seen}) == 1


def test_a_repeated_cursor_is_an_error_not_an_endless_loop():
    api = FakeApi(lambda request: reply({"entities": [{"id": "x"}], "nextPage": "same"}))
    with pytest.raises(MalformedResponseError) as caught:
        run(export(api, source="query", paging="cursor"))
    assert caught.value.retryable
    assert len(api.requests) == 1 + 8  # the page, and every attempt at the next one


def test_cursor_paging_against_genesys_itself_is_not_silently_one_page():
    with pytest.raises(ConfigurationError, match='paging="number"'):
        run(export(FakeApi(FakeQuery(evenly(250))), source="query", paging="cursor"))


def test_cursor_pages_too_large_for_the_gateway_are_asked_for_smaller():
    inner = cursor_server([["a"], ["b"]])

    def handler(request):
        if json.loads(request.content)["paging"]["pageSize"] > 30:
            return reply(error_body("response.entity.too.large", "smaller please"), 400)
        return inner(request)

    assert run(export(FakeApi(handler), source="query", paging="cursor")) == ["a", "b"]


def test_cursor_paging_slices_long_intervals_too():
    api = FakeApi(cursor_server([["a"]]))
    run(export(api, Interval(DAY.start, DAY.start + timedelta(days=10)), source="query", paging="cursor"))
    assert [json.loads(request.content)["interval"][:10] for request in api.seen] == [
        "2026-11-20",
        "2026-11-27",
    ]


def test_breaking_off_cancels_the_requests_under_way():
    async def scenario():
        server = FakeQuery(evenly(2000))
        cancelled = 0

        class Hanging(FakeApi):
            async def handle_async_request(self, request):
                nonlocal cancelled
                if request.url.path == QUERY and json.loads(request.content)["paging"]["pageNumber"] > 1:
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        cancelled += 1
                        raise
                return await super().handle_async_request(request)

        async with Hanging(server).client(max_concurrency=3) as client:
            async with aclosing(ConversationDetails(client, source="query").pages(DAY)) as pages:
                async for page in pages:
                    assert ids(page) == numbers(100)
                    for _ in range(50):
                        await asyncio.sleep(0)
                    break
            assert asyncio.all_tasks() == {asyncio.current_task()}
        return cancelled

    assert run(scenario(), patience=3) >= 1


def test_conversations_at_the_very_first_and_last_millisecond_are_included():
    edge = [datetime(2026, 11, 20, tzinfo=UTC), DAY.end - timedelta(milliseconds=1)]
    assert export_query(FakeQuery(edge)) == ["0", "1"]
