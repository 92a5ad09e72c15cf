"""One interval of conversation details as pages, from the interactive query or a bulk job, whichever fits."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from genesys_dagster.genesys.ahead import submitted_ahead
from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.cuts import (
    COUNTED_WINDOWS,
    ONE,
    Cuts,
    balanced_slices,
    cuts_worth,
    equal_slices,
)
from genesys_dagster.genesys.errors import ConfigurationError, GenesysError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import JobLedger, Later
from genesys_dagster.genesys.jobs import BulkJob, JobSettings
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.query import LONGEST_INTERVAL, InteractiveQuery, Paging
from genesys_dagster.genesys.slices import sliced
from genesys_dagster.genesys.source import Source, choose

__all__ = ["ConversationDetails", "ExportProgress", "Interval", "Page", "Source", "data_available_until"]

_log = logging.getLogger(__name__)
_MANY_RECORDS = 10**7
_COUNT_ATTEMPTS = 3
_COUNT_PATIENCE = 60.0  # s; a number that is good to have must not hold up what it is about


class ConversationDetails:
    """One interval's conversation detail records as pages, in order of `conversationStart`; for one export.

    Pages are handed on as they came. Conversations that began outside the interval, and some that come twice, are
    among them: filter by `conversationStart` and keep the first of each `conversationId`.

    Args:
        client: An open client.
        source: `job` (complete and cheap, but up to a day behind), `query` (up to the minute, without participant
            attributes), or `auto`: a job once the data lake has passed the interval's end, else the query.
        paging: Dialect of the interactive query: `number` is Genesys Cloud, `cursor` is some gateways.
        query_page_size: Records per page of the query, at most 100.
        job_page_size: Records per page of job results.
        may_query: Whether `auto` may fall back to the query. If not, it waits for the job: for where a complete
            version from a job is stored that the query's poorer rows must not replace.
        max_job_wait: How long to wait for a job in one go, and until one may be submitted.
        first_poll: Seconds until a job's state is asked for the first time.
        longest_poll: Seconds between two such questions, at most.
        job_slices: Into how many jobs an interval is cut, by time. More than one is faster where the way to the
            server is long, since pages of one job come only one after another, and costs a few requests and the
            memory of up to eight pages for each of the `max_concurrency` slices under way. None for as many as that
            is worth (`cuts_worth`), balanced by counts: one where the server is near or the pages are few.
        ledger: Where submitted jobs are remembered, so that a process that dies leaves its job to the next.
        later: What is read after the interval. Its jobs are submitted with the interval's, so that they are done by
            then, as far as the watermark has passed and the server takes them.

    Attributes:
        progress: Live figures.

    Raises:
        ConfigurationError: An argument is out of range.
    """

    def __init__(  # noqa: PLR0913 - each has a default that is right for most
        self,
        client: GenesysClient,
        *,
        source: Source = "auto",
        paging: Paging = "number",
        query_page_size: int = 100,
        job_page_size: int = 1000,
        max_job_wait: timedelta = timedelta(hours=2),
        first_poll: float = 1.0,
        longest_poll: float = 30.0,
        job_slices: int | None = None,
        ledger: JobLedger | None = None,
        may_query: bool = True,
        later: Sequence[Later] = (),
    ) -> None:
        _check_choice("source", source, get_args(Source))
        _check_choice("paging", paging, get_args(Paging))
        _check_minimum(query_page_size=query_page_size, job_page_size=job_page_size)
        if job_slices is not None:
            _check_minimum(job_slices=job_slices)
        self.progress = ExportProgress()
        self._watermark = datetime.min.replace(tzinfo=UTC)
        self._client = client
        self._source = source
        self._may_query = may_query
        self._query = InteractiveQuery(
            client, paging=paging, page_size=query_page_size, progress=self.progress
        )
        self._job_slices = job_slices
        self._ledger = ledger
        self._later = later
        self._job_settings = JobSettings(
            page_size=job_page_size, max_wait=max_job_wait, first_poll=first_poll, longest_poll=longest_poll
        )

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the pages of an interval, fetched at most a few pages ahead of the consumer.

        Iterate under `contextlib.aclosing`: closing the iterator cancels outstanding requests and deletes the job.

        Args:
            interval: What to export. A job filters by the UTC day on which the interval starts.

        Yields:
            Pages, numbered from 1.

        Raises:
            DataNotAvailableError: A job was demanded, or the query must not be used, but the job's data is not complete
                yet; or the watermark went back while the job was under way.
            JobFailedError: The job did not get done, or takes longer: then the next attempt goes on with it, if there
                is a ledger.
            JobLimitError: Others used up what the organization may have under way, for as long as a job may take.
            IntervalTooDenseError: The query cannot deliver so much.
            PaginationLoopError: The server leads round in circles.
            GenesysError: As in `GenesysClient.fetch`.
        """
        self.progress.source = await self._choose(interval)
        from_job = self.progress.source == "job"
        reader = self._from_job if from_job else self._query.pages
        async with aclosing(reader(interval)) as pages:
            async for page in pages:
                self.progress.pages += 1
                self.progress.records += page.records
                yield replace(page, number=self.progress.pages)

    async def count(self, interval: Interval) -> int | None:
        """Ask the query how many conversations it has for an interval; None if it does not say, in about a minute.

        The number counts all that started on the UTC days touched and were active in the interval.
        """
        if interval.length > LONGEST_INTERVAL:
            return None
        try:
            async with asyncio.timeout(_COUNT_PATIENCE):
                return await self._query.count(interval, attempts=_COUNT_ATTEMPTS)
        except (GenesysError, TimeoutError) as error:
            _log.info("how many conversations to expect is unknown: %s", str(error) or "no answer in time")
            return None

    async def _from_job(self, interval: Interval) -> AsyncGenerator[Page, None]:
        announcing = asyncio.create_task(self._announce(interval))
        try:
            slices, at_once = await self._slices(interval, announcing)
            if len(slices) > 1:
                # How many to expect of each slice is not known so exactly; the whole is counted in the end.
                reader = sliced(slices, at_once, self._job, self._client.clock)
            else:
                reader = self._in_one(interval, announcing)
            async with aclosing(reader) as pages:
                async for page in pages:
                    yield page
        finally:
            announcing.cancel()
            await asyncio.wait([announcing])

    async def _announce(self, interval: Interval) -> int | None:
        self.progress.total_hits = await self.count(interval)
        return self.progress.total_hits

    async def _slices(
        self, interval: Interval, announcing: asyncio.Task[int | None]
    ) -> tuple[list[Interval], int]:
        """Where to cut the interval, and how many slices to read at once."""
        most = self._client.settings.max_concurrency
        if self._job_slices:
            return equal_slices(interval, self._job_slices), min(self._job_slices, most)
        cuts = await self._cuts_worth(announcing)
        if cuts == ONE:
            return [interval], 1
        windows = equal_slices(interval, COUNTED_WINDOWS)
        found = await asyncio.gather(*map(self.count, windows))
        # What cannot be counted is taken to be even.
        records = [] if None in found else [each or 0 for each in found]
        return balanced_slices(interval, cuts.slices, records), min(cuts.at_once, most)

    async def _cuts_worth(self, announcing: asyncio.Task[int | None]) -> Cuts:
        """What suits the size of the interval and the distance of the server, as far as both are known."""
        settings, page_size = self._client.settings, self._job_settings.page_size

        def worth(records: int) -> Cuts:
            answer = self._client.stats.quickest_answer or 0.0
            return cuts_worth(records, page_size, answer, settings.requests_per_minute)

        if worth(_MANY_RECORDS) == ONE:  # the server is near: no reason to wait for the number
            return ONE
        return worth(await announcing or 0)

    async def _in_one(
        self, interval: Interval, announcing: asyncio.Task[int | None]
    ) -> AsyncGenerator[Page, None]:
        job = self._job(interval, expected=announcing)
        ahead = submitted_ahead(self._later, self._job, self._watermark, self._client.clock)
        async with await job.submit(), ahead, aclosing(job.pages()) as pages:
            async for page in pages:
                yield page

    def _job(
        self,
        interval: Interval,
        ledger: JobLedger | None = None,
        expected: Awaitable[int | None] | None = None,
    ) -> BulkJob:
        return BulkJob(
            self._client,
            interval,
            self._job_settings,
            self.progress,
            self._watermark,
            ledger=ledger or self._ledger,
            expected=expected,
        )

    async def _choose(self, interval: Interval) -> Literal["job", "query"]:
        chosen = await choose(self._client, interval, self._source, may_query=self._may_query)
        if chosen.available_until is not None:
            self.progress.available_until = self._watermark = chosen.available_until
        return chosen.source


def _check_minimum(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} is {number}", remedy="Use a number not below 1.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} is {value!r}", remedy=f"Use one of {', '.join(choices)}.")
