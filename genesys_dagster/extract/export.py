"""One window of conversation details, from the API's pages to typed batches: where `genesys` and `records` meet.

Nothing here knows Dagster or S3, so the same stream serves the asset, the benchmarks and a notebook.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from genesys_dagster.extract.background import BackgroundIterator
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails, Page
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.records.decode import decode
from genesys_dagster.records.learned import Learned
from genesys_dagster.records.select import Selection

# Decoding costs a few milliseconds per call besides the data: pages are gathered up to this size first.
_BYTES_PER_DECODE = 8 * 2**20


@dataclass(slots=True)
class ExportReport:
    """What happened so far in one export; complete once its batches are exhausted."""

    rows: int = 0
    duplicates_dropped: int = 0
    outside_window_dropped: int = 0
    open_conversations: int = 0
    latest_end: datetime | None = None
    """The latest end of a conversation."""
    unknown_fields: Counter[str] = field(default_factory=Counter)
    source: str | None = None
    """`job` or `query`; None until it is chosen."""
    total_hits: int | None = None
    """How many conversations the interactive query announced; None if it did not say."""
    received: int = 0
    """How many different conversations came, those outside the window included: what was announced covers them, too."""
    pages: int = 0
    api_requests: int = 0
    api_retries: int = 0
    known_until: datetime | None = None
    """Everything that happened before this instant is in the rows; later things may be missing."""


class ConversationExport:
    """The conversations that start in one interval: `batches()` streams them, `report` tells how far it is.

    Args:
        open_client: returns the client to export with, as an async context manager.
        details: given the open client, returns the reader of conversation details.
        interval: the window, in the time zone of its own bounds.
    """

    def __init__(
        self,
        open_client: Callable[[], AbstractAsyncContextManager[GenesysClient]],
        details: Callable[[GenesysClient], ConversationDetails],
        interval: Interval,
    ) -> None:
        self._open_client = open_client
        self._details = details
        self._interval = interval
        self._selection = Selection(interval.start, interval.end)
        self._learned = Learned()
        self.report = ExportReport()

    def batches(self) -> BackgroundIterator[pa.RecordBatch]:
        """The rows of the window, each conversation once, as batches in the API's order.

        Fetching and decoding run one batch ahead in a thread of their own. Close the iterator to cancel.

        Raises (on iteration):
            GenesysError: the API cannot be read.
            DecodeError: what it answers is not a page of conversations.
        """
        return BackgroundIterator(self._batches)

    async def _batches(self) -> AsyncGenerator[pa.RecordBatch, None]:
        loop = asyncio.get_running_loop()
        # One thread: two make a whole run no faster, and its peak 70 MB higher: a day of 200,000 conversations would not
        # fit into 512 MiB any more (docs/performance.md).
        with ThreadPoolExecutor(1, thread_name_prefix="genesys-decode") as decoder:
            async with self._open_client() as client:
                self.report.known_until = client.clock.now()
                details = self._details(client)
                async with aclosing(_groups(details.pages(self._interval))) as groups:
                    async for pages in groups:
                        batch = await loop.run_in_executor(decoder, self._decode, pages)
                        self._update_report(client, details)
                        if len(batch):
                            yield batch
                self._update_report(client, details)
                await self._ask_again(client, details)

    async def _ask_again(self, client: GenesysClient, details: ConversationDetails) -> None:
        """Where fewer came than were announced, ask once more how many there are: some may be gone since."""
        report = self.report
        if report.total_hits is None or report.received >= report.total_hits:
            return
        announced = await details.count(self._interval)
        if announced is not None:
            report.total_hits = min(report.total_hits, announced)
        report.api_requests, report.api_retries = client.stats.requests, client.stats.retries

    def _decode(self, pages: list[Page]) -> pa.RecordBatch:
        decoded = decode([page.body for page in pages], pages[0].records_key, self._learned)
        self.report.unknown_fields.update(decoded.unknown_fields)
        return self._selection.keep(decoded.rows)

    def _update_report(self, client: GenesysClient, details: ConversationDetails) -> None:
        report, selection, progress = self.report, self._selection, details.progress
        report.rows, report.received = selection.rows, selection.received
        report.duplicates_dropped = selection.duplicates_dropped
        report.outside_window_dropped = selection.outside_window_dropped
        report.open_conversations, report.latest_end = selection.open_conversations, selection.latest_end
        report.source, report.total_hits, report.pages = progress.source, progress.total_hits, progress.pages
        if progress.source == "job":
            report.known_until = progress.available_until
        report.api_requests, report.api_retries = client.stats.requests, client.stats.retries


async def _groups(pages: AsyncGenerator[Page, None]) -> AsyncGenerator[list[Page], None]:
    """Neighbouring pages of one dialect, together worth one call of the decoder."""
    group: list[Page] = []
    size = 0
    async with aclosing(pages):
        async for page in pages:
            if group and (
                size + len(page.body) > _BYTES_PER_DECODE or page.records_key != group[0].records_key
            ):
                yield group
                group, size = [], 0
            group.append(page)
            size += len(page.body)
    if group:
        yield group
