"""An answer that only looks like the end of the data is asked again, wherever it comes from and at whichever page."""

import json
from contextlib import aclosing

import pytest

from genesys_dagster.extract.sweep import late_activity
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.errors import (
    DataNotAvailableError,
    GenesysError,
    MalformedResponseError,
)
from genesys_dagster_tests.genesys.fake_jobs import EARLIER, LATER, FakeJobs, numbers
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    JOBS,
    QUERY,
    FakeApi,
    FakeClock,
    FakeQuery,
    collect,
    error_body,
    evenly,
    export,
    ids,
    reply,
    run,
)
from genesys_dagster_tests.genesys.test_query import cursor_server

COUNT, SIZE = 50, 10
PAGES = [0, 2, 4]  # the first, a middle and the last of five


def without_cursor(answer):
    return reply({key: value for key, value in json.loads(answer.content).items() if key != "cursor"})


# Each looks like the end of the data.
ENDS = {
    "{}": lambda answer: reply({}),
    "null": lambda answer: reply({"conversations": None}),
    "null, but a date": lambda answer: reply({"conversations": None, "dataAvailabilityDate": LATER}),
    "an empty list": lambda answer: reply({"conversations": []}),
    "an error with 200": lambda answer: reply(error_body("internal.server.error", "oops", 500)),
    "202 {}": lambda answer: reply({}, 202),
    "202": lambda answer: reply(None, 202),
    "204": lambda answer: reply(None, 204),
    "empty body": lambda answer: reply(b""),
    "[]": lambda answer: reply([]),
    "no rows": lambda answer: reply(json.loads(answer.content) | {"conversations": []}),
}


def spoil(handler, is_page, fault, times):
    """A server of which the answers to some requests are spoilt so many times."""
    left = [times]

    def spoilt(request):
        answer = handler(request)
        if is_page(request) and left[0]:
            left[0] -= 1
            return fault(answer)
        return answer

    return FakeApi(spoilt)


def of_results(page):
    cursor = f"at-{page * SIZE}" if page else None
    return lambda request: (
        request.url.path.endswith("/results") and request.url.params.get("cursor") == cursor
    )


def of_query(page):
    return lambda request: (
        request.url.path == QUERY and json.loads(request.content)["paging"]["pageNumber"] == page + 1
    )


def export_job(api, **options):
    return run(export(api, source="job", job_page_size=SIZE, **options))


def export_query(api, **options):
    return run(export(api, source="query", query_page_size=SIZE, **options))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("fault", [*ENDS, "no cursor"])
def test_no_page_of_a_job_is_lost_to_an_answer_that_looks_like_the_end(fault, page, times):
    if fault == "no cursor" and times > 1:
        return  # believed when it is said twice: the announcement tells afterwards
    spoilt = spoil(FakeJobs(COUNT), of_results(page), ENDS.get(fault, without_cursor), times)
    assert export_job(spoilt) == numbers(COUNT)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("fault", ENDS)
def test_no_page_of_the_query_is_lost_to_an_answer_that_looks_like_the_end(fault, page, times):
    if page == 0 and times > 1 and fault in {"{}", "null", "null, but a date", "an empty list"}:
        return  # this is how an empty day looks, and it is said twice
    spoilt = spoil(FakeQuery(evenly(COUNT)), of_query(page), ENDS[fault], times)
    assert export_query(spoilt) == numbers(COUNT)


@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("fault", ["{}", "null", "an error with 200", "202 {}", "empty body"])
def test_no_page_of_the_cursor_dialect_is_lost_to_an_answer_that_looks_like_the_end(fault, page):
    token = f"cursor-{page}" if page else None
    server = cursor_server([["a", "b"], ["c", "d"], ["e"]], total=5)
    api = spoil(server, lambda request: request.url.params.get("pageToken") == token, ENDS[fault], 1)
    assert run(export(api, source="query", paging="cursor", query_page_size=2)) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("fault", sorted(ENDS.keys() - {"an empty list", "no rows"}))
def test_a_job_whose_page_stays_without_rows_is_an_error_to_try_again(fault, page):
    with pytest.raises(MalformedResponseError) as caught:
        export_job(spoil(FakeJobs(COUNT), of_results(page), ENDS[fault], 99))
    assert caught.value.retryable


@pytest.mark.parametrize("page", [2, 4])
@pytest.mark.parametrize("fault", sorted(ENDS.keys() - {"no rows"}))
def test_a_query_whose_page_stays_without_rows_is_an_error_to_try_again(fault, page):
    with pytest.raises(MalformedResponseError) as caught:
        export_query(spoil(FakeQuery(evenly(COUNT)), of_query(page), ENDS[fault], 99))
    assert caught.value.retryable


def test_a_page_that_stays_without_rows_before_others_with_rows_is_an_error_to_try_again():
    with pytest.raises(MalformedResponseError, match="before one with rows"):
        export_query(spoil(FakeQuery(evenly(COUNT)), of_query(2), ENDS["no rows"], 99))


def test_first_page_of_a_job_that_stays_empty_though_conversations_are_announced_is_an_error():
    with pytest.raises(MalformedResponseError):
        export_job(spoil(FakeJobs(COUNT), of_results(0), ENDS["an empty list"], 99))


@pytest.mark.parametrize("answer", [{}, {"conversations": []}, {"conversations": None}])
@pytest.mark.parametrize(("announces", "asked"), [(True, 1), (False, 3)])
def test_an_empty_day_of_a_job_is_empty(answer, announces, asked):
    jobs, results = FakeJobs(0), []

    def handler(request):
        if request.url.path == QUERY and not announces:
            return reply(error_body("missing.permissions", "no", 403), 403)
        if request.url.path.endswith("/results"):
            results.append(1)
            return reply(answer)
        return jobs(request)

    assert export_job(FakeApi(handler), max_attempts=2) == []
    assert len(results) == asked


@pytest.mark.parametrize("answer", [{"totalHits": 0}, {"conversations": [], "totalHits": 0}, {}])
def test_an_empty_day_of_the_query_is_empty(answer):
    api = FakeApi(lambda request: reply(answer))
    assert export_query(api, max_attempts=1) == []
    assert len(api.requests) == (1 if "totalHits" in answer else 2)


@pytest.mark.parametrize("short", [3, 5, 20])
def test_a_job_that_ends_with_fewer_than_announced_is_read_and_the_announcement_told(short):
    """Archive and index can differ: what to make of it is decided before the commit."""
    jobs = FakeJobs(COUNT)
    jobs.query = FakeQuery(evenly(COUNT + short))

    async def scenario():
        async with FakeApi(jobs).client() as client:
            details = ConversationDetails(client, source="job", job_page_size=SIZE)
            rows = [row for page in await collect(details) for row in ids(page)]
            return rows, details.progress.total_hits

    assert run(scenario()) == (numbers(COUNT), COUNT + short)
    assert len(jobs.page_sizes) == (5 if short <= 5 else 6)


def test_a_last_page_that_is_full_is_asked_again_where_no_number_is_known():
    jobs = FakeJobs(COUNT)

    def handler(request):
        return reply(None, 500) if request.url.path == QUERY else jobs(request)

    api = spoil(handler, of_results(2), without_cursor, 1)
    assert export_job(api, max_attempts=2) == numbers(COUNT)


# ---------------------------------------------------------------------------------------------------------------------
# The count


def test_a_count_that_does_not_come_holds_up_no_job():
    jobs, clock = FakeJobs(COUNT), FakeClock()

    def handler(request):
        return reply(None, 503) if request.url.path == QUERY else jobs(request)

    api = FakeApi(handler)
    assert export_job(api, clock=clock, max_backoff=60.0) == numbers(COUNT)
    assert api.count("POST", QUERY) == 3


def test_a_count_can_be_asked_again():
    async def scenario():
        async with FakeApi(FakeQuery(evenly(COUNT))).client() as client:
            return await ConversationDetails(client).count(DAY)

    assert run(scenario()) == COUNT


# ---------------------------------------------------------------------------------------------------------------------
# The watermark


@pytest.mark.parametrize("results", [None, EARLIER])
def test_a_watermark_that_went_back_while_the_job_was_under_way_is_noticed(results):
    jobs = FakeJobs(COUNT)
    jobs.results_available = results

    def handler(request):
        answer = jobs(request)
        if request.url.path == JOBS:
            jobs.available = EARLIER
        return answer

    with pytest.raises(DataNotAvailableError) as caught:
        export_job(FakeApi(handler))
    assert caught.value.retryable
    assert jobs.deleted == ["job-1"]


def test_results_that_do_not_tell_of_the_watermark_are_good_if_it_stands_where_it_stood():
    jobs = FakeJobs(COUNT)
    jobs.results_available = None
    assert export_job(FakeApi(jobs)) == numbers(COUNT)


@pytest.mark.parametrize("availability", [EARLIER, None])
def test_auto_waits_for_the_job_where_the_query_must_not_be_used(availability):
    jobs = FakeJobs(COUNT)
    jobs.available = availability

    def handler(request):
        if request.url.path.endswith("/availability") and availability is None:
            return reply(error_body("not.found", "no such path", 404), 404)
        return jobs(request)

    api = FakeApi(handler)
    with pytest.raises(GenesysError):
        run(export(api, source="auto", may_query=False))
    assert api.count("POST", QUERY) == 0


def test_auto_says_what_it_waits_for():
    jobs = FakeJobs(COUNT)
    jobs.available = EARLIER
    with pytest.raises(DataNotAvailableError, match="complete version from the bulk job is stored") as caught:
        run(export(FakeApi(jobs), source="auto", may_query=False))
    assert caught.value.retryable


# ---------------------------------------------------------------------------------------------------------------------
# The sweep

BEFORE, ON_THE_DAY = "2026-11-12T09:00:00.000Z", "2026-11-20T09:00:00.000Z"


class OldConversations(FakeJobs):
    """Thirty conversations that began before the day and went on in it, and one that began in it."""

    def results(self, request, job_id):
        answer = super().results(request, job_id)
        body = json.loads(answer.content)
        for record in body.get("conversations", ()):
            is_old = record["conversationId"] != "30"
            record["conversationStart"] = BEFORE if is_old else ON_THE_DAY
            record["conversationEnd"] = ON_THE_DAY
        return reply(body)


def swept(api, **options):
    async def found():
        from genesys_dagster.genesys.jobs import JobSettings

        async with (
            api.client(FakeClock(), **options) as client,
            aclosing(late_activity(client, DAY, JobSettings(page_size=SIZE))) as batches,
        ):
            return [identity async for batch in batches for identity in batch["conversationId"].to_pylist()]

    return run(found())


@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("fault", [*ENDS, "no cursor"])
def test_no_page_of_a_sweep_is_lost_to_an_answer_that_looks_like_the_end(fault, page):
    spoilt = spoil(OldConversations(31), of_results(page), ENDS.get(fault, without_cursor), 1)
    assert swept(spoilt) == numbers(30)


def test_a_sweep_that_ends_before_the_day_is_asked_once_more_and_then_believed():
    jobs = OldConversations(30)
    assert swept(FakeApi(jobs)) == numbers(30)
    assert len(jobs.page_sizes) == 4


def test_an_empty_sweep_is_empty():
    assert swept(FakeApi(OldConversations(0)), max_attempts=1) == []


def test_a_day_that_is_not_there_yet_is_not_swept():
    jobs = OldConversations(31)
    jobs.available = EARLIER
    with pytest.raises(DataNotAvailableError):
        swept(FakeApi(jobs))
    assert jobs.submitted == []
