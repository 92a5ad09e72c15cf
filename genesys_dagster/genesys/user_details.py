"""One interval of user details (periods of presence and of routing status) as pages, from a bulk job or the query.

How Genesys Cloud stores them (developer docs, "User detail query"): a period stands under the UTC day on which it began and
under that on which it ended, and comes whole, with its real start and end, however far those lie outside the interval.
While it is open it has no end. A period that covers the whole interval is under neither and may be missing, so that a
user without any record need not be offline.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from genesys_dagster.genesys.ahead import submitted_ahead
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import USERS
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import JobLedger, Later
from genesys_dagster.genesys.jobs import BulkJob, JobSettings
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.query import InteractiveQuery, Paging
from genesys_dagster.genesys.source import Source, choose


class UserDetails:
    """Reads the user details of intervals; for one export.

    A user's periods may be spread over pages, a period may come twice, once open and once closed.

    Args:
        client: An open client.
        source: As `choose`.
        paging: Dialect of the interactive query.
        page_size: Records per page of the query. 100 is what clients use; what a record is, period or user, is not
            documented (inferred from answers: periods).
        settings: How to wait for jobs and read them.
        ledger: Where jobs are remembered, if anywhere.
        later: What is read after the interval; its jobs are submitted with the interval's.

    Attributes:
        progress: Live figures.
    """

    def __init__(  # noqa: PLR0913 - where from, and how
        self,
        client: GenesysClient,
        *,
        source: Source = "auto",
        paging: Paging = "number",
        page_size: int = 100,
        settings: JobSettings | None = None,
        ledger: JobLedger | None = None,
        later: Sequence[Later] = (),
    ) -> None:
        self.progress = ExportProgress()
        self._client = client
        self._source = source
        self._settings = settings or JobSettings()
        self._ledger = ledger
        self._later = later
        self._query = InteractiveQuery(
            client, paging=paging, page_size=page_size, progress=self.progress, details=USERS
        )

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the pages of the periods that began or ended in an interval.

        Iterate under `contextlib.aclosing`.

        Raises:
            DataNotAvailableError: A job was demanded, and its data does not reach that far yet.
            GenesysError: As in `GenesysClient.fetch`, `BulkJob` and `InteractiveQuery`.
        """
        chosen = await choose(self._client, interval, self._source, details=USERS)
        self.progress.source, self.progress.available_until = chosen
        pages = self._query.pages(interval) if chosen.source == "query" else self._from_job(interval)
        async with aclosing(pages):
            async for page in pages:
                self.progress.pages += 1
                self.progress.records += page.records
                yield page

    async def _from_job(self, interval: Interval) -> AsyncGenerator[Page, None]:
        available_until = self.progress.available_until
        assert available_until is not None  # noqa: S101 - `choose` has asked for it

        def job_for(interval: Interval, ledger: JobLedger | None) -> BulkJob:
            return BulkJob(
                self._client,
                interval,
                self._settings,
                self.progress,
                available_until,
                ledger=ledger,
                details=USERS,
            )

        job = job_for(interval, self._ledger)
        ahead = submitted_ahead(self._later, job_for, available_until, self._client.clock)
        async with await job.submit(), ahead, aclosing(job.pages()) as pages:
            async for page in pages:
                yield page
