"""One interval of conversation details as pages, from the interactive query or a bulk job, whichever fits."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from genesys_dagster.genesys.availability import data_available_until, require_availability
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import ConfigurationError, GenesysError, RequestRejectedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.jobs import BulkJob, JobFollower, JobLedger, JobSettings
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.query import InteractiveQuery, Paging
from genesys_dagster.genesys.slices import sliced, slices_worth

__all__ = ["ConversationDetails", "ExportProgress", "Interval", "Page", "Source", "data_available_until"]

Source = Literal["auto", "job", "query"]
_log = logging.getLogger(__name__)
_MANY_RECORDS = 10**7


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
        max_job_wait: How long a job may take, and how long to wait until one may be submitted.
        first_poll: Seconds until a job's state is asked for the first time.
        longest_poll: Seconds between two such questions, at most.
        job_slices: Into how many jobs an interval is cut, by time. More than one is faster where the way to the
            server is long, since pages of one job come only one after another, and costs a few requests and the
            memory of up to seven pages for each of the `max_concurrency` slices under way. None for as many as that
            is worth (`slices_worth`): one where the server is near or the pages are few.
        may_query: Whether `auto` may fall back to the query. If not, it waits for the data lake.
        ledger: Where submitted jobs are remembered, so that a process that dies leaves its job to the next.

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
        may_query: bool = True,
        ledger: JobLedger | None = None,
    ) -> None:
        _check_choice("source", source, get_args(Source))
        _check_choice("paging", paging, get_args(Paging))
        _check_minimum(query_page_size=query_page_size, job_page_size=job_page_size)
        if job_slices is not None:
            _check_minimum(job_slices=job_slices)
        self.progress = ExportProgress()
        self._client = client
        self._source = source
        self._query = InteractiveQuery(
            client, paging=paging, page_size=query_page_size, progress=self.progress
        )
        self._may_query = may_query
        self._job_slices = job_slices
        self._ledger = ledger
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
            DataNotAvailableError: A job was demanded, but its data is not complete yet.
            JobFailedError: The job did not get done.
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
        """How many conversations the interactive query announces for an interval now; None if it does not say."""
        try:
            return await self._query.count(interval)
        except GenesysError as error:
            _log.info("how many conversations to expect is unknown: %s", error)
            return None

    async def _from_job(self, interval: Interval) -> AsyncGenerator[Page, None]:
        announcing = asyncio.create_task(self._announce(interval))
        try:
            slices = self._job_slices or await self._slices_worth(announcing)
            async with aclosing(self._in_slices(interval, slices)) as pages:
                async for page in pages:
                    yield page
        finally:
            announcing.cancel()
            await asyncio.wait([announcing])

    async def _slices_worth(self, announcing: asyncio.Task[None]) -> int:
        """How many slices suit the size of the interval and the distance of the server, as far as both are known."""
        settings, page_size = self._client.settings, self._job_settings.page_size

        def worth(records: int) -> int:
            answer = self._client.stats.quickest_answer or 0.0
            return slices_worth(records, page_size, answer, settings.requests_per_minute)

        if worth(_MANY_RECORDS) == 1:  # the server is near: no reason to wait for the number
            return 1
        await asyncio.wait([announcing])
        return worth(self.progress.total_hits or 0)

    def _in_slices(self, interval: Interval, slices: int) -> AsyncGenerator[Page, None]:
        if slices == 1:
            job = BulkJob(self._client, self._job_settings, self.progress, ledger=self._ledger)
            return job.pages(interval)
        at_once = min(slices, self._client.settings.max_concurrency)
        return sliced(interval, slices, at_once, self._from_one_of_many)

    async def _from_one_of_many(
        self, interval: Interval, follower: JobFollower
    ) -> AsyncGenerator[Page, None]:
        progress = ExportProgress(
            source="job"
        )  # several jobs are under way: `job_id` and `job_state` are each one's
        job = BulkJob(self._client, self._job_settings, progress, ledger=self._ledger, follower=follower)
        async with aclosing(job.pages(interval)) as pages:
            async for page in pages:
                self.progress.available_until = _earlier(
                    self.progress.available_until, progress.available_until
                )
                yield page

    async def _announce(self, interval: Interval) -> None:
        """Ask the query how many conversations to expect of a job, which does not say. Nothing depends on it."""
        self.progress.total_hits = await self.count(interval)

    async def _choose(self, interval: Interval) -> Literal["job", "query"]:
        if self._source == "query":
            return "query"
        try:
            available_until = await data_available_until(self._client)
        except RequestRejectedError as error:
            may_query = self._source == "auto" and self._may_query
            if may_query and error.status == 404:  # a gateway that passes on only the query
                return "query"
            raise
        self.progress.available_until = available_until
        if self._source == "job" or not self._may_query:
            require_availability(interval, available_until)
        return "job" if available_until >= interval.end else "query"


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _check_minimum(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} is {number}", remedy="Use a number not below 1.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} is {value!r}", remedy=f"Use one of {', '.join(choices)}.")
