from datetime import UTC, datetime

import pytest

from genesys_dagster.genesys.conversation_details import ConversationDetails, data_available_until
from genesys_dagster.genesys.errors import (
    ConfigurationError,
    DataNotAvailableError,
    MalformedResponseError,
    RequestRejectedError,
)
from genesys_dagster_tests.genesys.fake_jobs import EARLIER, LATER, FakeJobs, export_job, numbers
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    QUERY,
    FakeApi,
    FakeQuery,
    evenly,
    export,
    reply,
    run,
)


def test_results_that_are_behind_the_interval_are_an_error():
    jobs = FakeJobs(5)
    jobs.results_available = EARLIER
    with pytest.raises(DataNotAvailableError, match="2026-11-20T18:00:00"):
        export_job(jobs)
    assert jobs.deleted == ["job-1"]


def test_results_without_watermark_are_accepted():
    jobs = FakeJobs(5)
    jobs.results_available = None
    assert export_job(jobs) == numbers(5)


def test_a_job_before_its_data_is_complete_is_refused_and_not_submitted():
    jobs = FakeJobs(5)
    jobs.available = EARLIER
    with pytest.raises(DataNotAvailableError) as caught:
        export_job(jobs)
    text = str(caught.value)
    for part in (
        "2026-11-20T18:00:00+00:00",
        "2026-11-21T00:00:00+00:00",
        'source="auto"',
        'source="query"',
        "Wait",
    ):
        assert part in text
    assert jobs.submitted == []


@pytest.mark.parametrize(
    ("available", "source"),
    [(LATER, "job"), ("2026-11-21T00:00:00Z", "job"), ("2026-11-20T23:59:59.999Z", "query")],
)
def test_auto_takes_the_job_exactly_when_its_data_is_complete(available, source):
    jobs = FakeJobs(7)
    jobs.available = jobs.results_available = available

    async def scenario():
        async with FakeApi(jobs).client() as client:
            details = ConversationDetails(client)
            assert details.progress.source is None
            pages = [page async for page in details.pages(DAY)]
            return sum(page.records for page in pages), details.progress

    records, progress = run(scenario())
    assert records == 7
    assert progress.source == source
    assert progress.available_until == datetime.fromisoformat(available)
    assert progress.total_hits == 7
    assert len(jobs.submitted) == (source == "job")


def test_the_query_does_not_ask_for_the_watermark():
    api = FakeApi(FakeJobs(1))
    run(export(api, source="query"))
    assert api.requests == [("POST", QUERY)]


def test_auto_takes_the_query_where_there_are_no_jobs():
    query = FakeQuery(evenly(3))

    def handler(request):
        return query(request) if request.url.path == QUERY else reply(b"no route", 404)

    assert run(export(FakeApi(handler))) == numbers(3)
    with pytest.raises(RequestRejectedError, match="404"):
        run(export(FakeApi(handler), source="job"))


@pytest.mark.parametrize("body", [{}, {"dataAvailabilityDate": None}, {"dataAvailabilityDate": "soon"}])
def test_a_watermark_that_cannot_be_read_is_malformed(body):
    async def scenario():
        async with FakeApi(lambda request: reply(body)).client() as client:
            await data_available_until(client)

    with pytest.raises(MalformedResponseError, match="dataAvailabilityDate"):
        run(scenario())


def test_the_watermark_is_an_aware_instant():
    async def scenario():
        async with FakeApi(FakeJobs()).client() as client:
            return await data_available_until(client)

    assert run(scenario()) == datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "options", [{"source": "both"}, {"paging": "token"}, {"query_page_size": 0}, {"job_page_size": 0}]
)
def test_an_option_out_of_range_is_refused(options):
    async def scenario():
        async with FakeApi().client() as client:
            ConversationDetails(client, **options)

    with pytest.raises(ConfigurationError, match=next(iter(options))):
        run(scenario())
