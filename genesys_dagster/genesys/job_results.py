"""The results of a bulk job that is done: page after page, judged by what was announced and by the watermark."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from datetime import datetime

from genesys_dagster.genesys.availability import data_available_until, require_availability
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
from genesys_dagster.genesys.errors import JobFailedError, RequestRejectedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import RememberedJob
from genesys_dagster.genesys.pages import Envelope, Page
from genesys_dagster.genesys.paging import CursorTrail, along_cursor
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.whole import ANSWERS, Chain, Reader, is_too_large

_RESULTS_AHEAD = 2  # pages; enough to keep fetching while the consumer works, few enough to bound memory


class JobGoneError(JobFailedError):
    """The job, or the place in its results, is not known to the server any more; a new job is the cure."""

    remedy = "Run the step again; if it stays so, something deletes the jobs of this OAuth client."


def is_gone(error: RequestRejectedError, *, has_cursor: bool = False) -> bool:
    """Tell whether a refusal means that the job is gone (404), or that the cursor is (400; no code is documented)."""
    return error.status in {404, 410} or (has_cursor and error.status == 400 and not is_too_large(error))


class JobResults:
    """The result pages of one job.

    Args:
        client: An open client.
        progress: Kept up to date.
        job: The job, which is done.
        chain: Judges the pages.
        details: Of which family its records are.
    """

    def __init__(
        self,
        client: GenesysClient,
        progress: ExportProgress,
        job: RememberedJob,
        chain: Chain,
        details: Details = CONVERSATIONS,
    ) -> None:
        self._client = client
        self._progress = progress
        self._job = job
        self._details = details
        self._path = f"{details.jobs}/{job.job_id}/results"
        self._chain = chain
        self._attempts = max(client.settings.max_attempts, ANSWERS)
        self._is_watermark_certain = True

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the pages.

        Raises:
            JobGoneError: The job or the cursor expired.
            DataNotAvailableError: The watermark was or went back before the interval's end.
            PaginationLoopError: The pages do not come to an end.
            MalformedResponseError: They end before the announced records have come.
        """
        trail = CursorTrail(self._path)

        async def fetch(cursor: str | None) -> tuple[Envelope, str | None]:
            envelope = await self._fetch(cursor)
            return envelope, trail.follow(envelope.next_cursor, envelope.mark)

        self._note_watermark(self._job.known_until)
        async with aclosing(along_cursor(fetch, _RESULTS_AHEAD)) as envelopes:
            async for envelope in envelopes:
                self._see_watermark(interval, envelope.available_until)
                yield envelope.page
        if not self._is_watermark_certain:
            available_until = await data_available_until(self._client, self._details)
            require_availability(interval, available_until, self._details)

    def _see_watermark(self, interval: Interval, available_until: datetime | None) -> None:
        """A page tells how far the data reaches; one that does not, or tells of less, makes the end doubtful."""
        if available_until is None:
            self._is_watermark_certain = False
            return
        require_availability(interval, available_until, self._details)
        self._is_watermark_certain &= available_until >= self._job.known_until
        self._note_watermark(available_until)

    def _note_watermark(self, available_until: datetime) -> None:
        known = self._progress.available_until
        self._progress.available_until = available_until if known is None else min(known, available_until)

    async def _fetch(self, cursor: str | None) -> Envelope:
        def ask(read: Reader, size: int) -> Awaitable[Envelope]:
            params: dict[str, str | int] = {"pageSize": size} | ({} if cursor is None else {"cursor": cursor})
            return self._client.fetch("GET", self._path, read, params=params, attempts=self._attempts)

        try:
            return await self._chain.next(ask)
        except RequestRejectedError as error:
            if is_gone(error, has_cursor=cursor is not None):
                raise gone(self._job.job_id, error) from error
            raise


def gone(job_id: str, error: RequestRejectedError) -> JobGoneError:
    """The refusal of a job that is gone, as an error that says so."""
    return JobGoneError(
        f"bulk job {job_id}, or the place in its results, is gone",
        method=error.method,
        path=error.path,
        status=error.status,
        code=error.code,
        correlation_id=error.correlation_id,
    )
