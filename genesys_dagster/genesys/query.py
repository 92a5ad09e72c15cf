"""The interactive query: one interval of detail records, sliced and paged within the endpoint's limits."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Literal

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
from genesys_dagster.genesys.errors import (
    ConfigurationError,
    GenesysError,
    IntervalTooDenseError,
    MalformedResponseError,
    PaginationLoopError,
    RequestRejectedError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.pages import Envelope, Page
from genesys_dagster.genesys.paging import CursorTrail, along_cursor, in_order
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.whole import ANSWERS, Chain, Reader, counted, is_too_large, numbered

# Splunk add-on for Genesys Cloud, CHANGELOG 0.2.2, quotes "Pagination may not exceed 100000 results."
ROW_CAP = 100_000
# Genesys developer docs, "Conversation detail query"; Splunk add-on CHANGELOG 0.4.0 quotes "You must specify a search
# interval as part of your query that does not exceed 7 days".
LONGEST_INTERVAL = timedelta(days=7)
SHORTEST_INTERVAL = timedelta(
    seconds=1
)  # more than ROW_CAP conversations in a second are not a matter of slicing
_CURSOR_AHEAD = 2

Paging = Literal["number", "cursor"]


class InteractiveQuery:
    """Pages of the interactive query.

    Args:
        client: An open client.
        paging: `number` as Genesys Cloud does; `cursor` for gateways that page with `pageToken`.
        page_size: Records per page; 100 is the most that Genesys Cloud is known to accept.
        progress: Kept up to date.
        details: Which family of records to ask for.
    """

    def __init__(
        self,
        client: GenesysClient,
        *,
        paging: Paging,
        page_size: int,
        progress: ExportProgress,
        details: Details = CONVERSATIONS,
    ) -> None:
        self._client = client
        self._paging = paging
        self._page_size = page_size
        self._progress = progress
        self._details = details
        self._whole: Interval | None = None
        self._attempts = max(client.settings.max_attempts, ANSWERS)

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the pages of an interval of any length, slices in time order.

        A slice returns conversations that were active in it and started on a UTC day it touches (SDK 269
        models/conversation_query.py), so neighbouring slices may repeat conversations; nothing is left out.
        """
        self._whole = interval
        for part in interval.slices(LONGEST_INTERVAL):
            async with aclosing(self._slice(part)) as pages:
                async for page in pages:
                    yield page

    async def count(self, interval: Interval, *, attempts: int | None = None) -> int | None:
        """Return how many conversations the query announces for an interval of at most 7 days, reading one of them.

        The number counts all that started on the UTC days touched and were active in the interval. None if the
        server does not say.

        Args:
            interval: What to count.
            attempts: Attempts at most, instead of the client's.
        """
        body = {**self._details.asked(interval), "paging": {"pageSize": 1, "pageNumber": 1}}
        envelope = await self._client.fetch(
            "POST", self._details.query, counted(), json=body, attempts=attempts
        )
        return _announced(envelope)

    def _announce(self, interval: Interval, envelope: Envelope) -> None:
        """Note what the first answer about the whole interval says; later ones, and sums of parts, wobble."""
        if interval == self._whole and self._progress.total_hits is None:
            self._progress.total_hits = _announced(envelope)

    async def _slice(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield one slice, in halves where it is too much for one go."""
        reader = self._by_cursor if self._paging == "cursor" else self._by_number
        try:
            async with aclosing(reader(interval)) as pages:
                async for page in pages:
                    yield page
        except (IntervalTooDenseError, RequestRejectedError) as error:
            if interval.length <= SHORTEST_INTERVAL or not _asks_for_less(error):
                raise
        else:
            return
        for half in interval.halves():
            async with aclosing(self._slice(half)) as pages:
                async for page in pages:
                    yield page

    async def _by_number(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield pages by number: the first, then the announced rest concurrently, then whatever else there is."""
        size, seen = self._page_size, _Seen(self._page_size, self._details)
        first = await self._fetch_numbered(interval, 1, size, 0)
        self._announce(interval, first[0])
        announced = max(envelope.total_hits or 0 for envelope in first)
        planned = max(1, -(-announced // size))
        if announced > ROW_CAP:
            raise self._too_dense(interval)
        rest = (
            partial(self._fetch_numbered, interval, number, size, (number - 1) * size, announced)
            for number in range(2, planned + 1)
        )
        fetches = chain([partial(_at_once, first)], rest)
        async with aclosing(in_order(fetches, self._client.settings.max_concurrency)) as arriving:
            async for envelopes in arriving:
                for page in seen.take(envelopes):
                    yield page
        # totalHits is approximate and moves (Genesys developer blog, "Analytics conversations API behavior",
        # 2022-04-21): it plans the work, but only a page that is short or empty ends it.
        number = planned
        while seen.may_go_on:
            number += 1
            if number * size > ROW_CAP:
                raise self._too_dense(interval)
            envelopes = await self._fetch_numbered(interval, number, size, seen.reached, seen.total_hits)
            for page in seen.take(envelopes):
                if page.records:
                    yield page

    def _too_dense(self, interval: Interval) -> IntervalTooDenseError:
        return IntervalTooDenseError(
            f"{interval.as_text()} still holds more than {ROW_CAP} {self._details.noun}",
            path=self._details.query,
            remedy='The interactive query cannot deliver them: use source="job".',
        )

    async def _fetch_numbered(
        self, interval: Interval, number: int, size: int, reached: int, announced: int | None = None
    ) -> list[Envelope]:
        """Fetch one page; if the server finds it too large, the same rows as several smaller pages.

        Args:
            interval: The slice.
            number: Which page.
            size: Of how many records.
            reached: How many come before the page.
            announced: How many there are, once that is known.
        """
        body = {**self._details.asked(interval), "paging": {"pageSize": size, "pageNumber": number}}
        read = numbered(reached, announced, may_be_empty=self._details.pages_may_be_short)
        try:
            fetched = self._client.fetch(
                "POST", self._details.query, read, json=body, attempts=self._attempts
            )
            return [await fetched]
        except RequestRejectedError as error:
            if not is_too_large(error) or size == 1:
                raise
        factor = smallest_factor(size)
        size //= factor
        smaller: list[Envelope] = []
        for part in range(factor):
            if announced is None and smaller:
                announced = smaller[0].total_hits or 0
            at = (number - 1) * factor + part + 1
            smaller += await self._fetch_numbered(interval, at, size, reached + part * size, announced)
        return smaller

    async def _by_cursor(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield pages along `X-Genesys-Next-Page` or `nextPage`, sent back as `pageToken` in the address."""
        trail, pages = CursorTrail(self._details.query), Chain(self._page_size)

        async def fetch(cursor: str | None) -> tuple[Envelope, str | None]:
            def ask(read: Reader, size: int) -> Awaitable[Envelope]:
                body = {**self._details.asked(interval), "paging": {"pageSize": size, "pageNumber": 1}}
                params = None if cursor is None else {"pageToken": cursor}
                return self._client.fetch(
                    "POST", self._details.query, read, json=body, params=params, attempts=self._attempts
                )

            envelope = await pages.next(ask)
            return envelope, trail.follow(envelope.next_cursor, envelope.mark)

        number = 0
        async with aclosing(along_cursor(fetch, _CURSOR_AHEAD)) as envelopes:
            async for envelope in envelopes:
                number += 1
                self._announce(interval, envelope)
                yield envelope.page
        if number == 1 and 0 < envelope.page.records < (envelope.total_hits or 0):
            raise ConfigurationError(
                f"the server announced {envelope.total_hits} {self._details.noun} but named no page after the first",
                path=self._details.query,
                remedy='It pages by number, as Genesys Cloud itself does: set paging="number".',
            )


async def _at_once(envelopes: list[Envelope]) -> list[Envelope]:
    return envelopes


@dataclass(slots=True)
class _Seen:
    """What was seen of one slice.

    Attributes:
        page_size: How many records make a full page.
        details: Of which family the records are.
        rows: How many have come.
        pages: In how many pages.
        total_hits: The most that was announced.
        last: What made up the last page; empty before the first.
    """

    page_size: int
    details: Details
    rows: int = 0
    pages: int = 0
    total_hits: int = 0
    last: list[Page] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """How many of the announced records lie behind: also those that were dropped from pages."""
        return self.pages * self.page_size if self.details.pages_may_be_short else self.rows

    def take(self, envelopes: list[Envelope]) -> list[Page]:
        """Count the envelopes that together make one page, and return their pages."""
        pages = [envelope.page for envelope in envelopes]
        if rows := _rows(pages):
            if self.last and not _rows(self.last) and not self.details.pages_may_be_short:
                raise MalformedResponseError(
                    "a page without rows came before one with rows", method="POST", path=self.details.query
                )
            if pages == self.last:
                raise PaginationLoopError(
                    "the server sent the same page twice in a row",
                    path=self.details.query,
                    remedy='A gateway that ignores page numbers needs paging="cursor".',
                )
        self.last = pages
        self.rows += rows
        self.pages += 1
        self.total_hits = max(self.total_hits, *(envelope.total_hits or 0 for envelope in envelopes))
        return pages

    @property
    def may_go_on(self) -> bool:
        """Whether another page can follow.

        A short page is the last one, unless fewer rows came than were announced (a server may allow smaller pages
        than asked for): then only an empty one is. Where pages may be short they end with an empty one, once all
        that was announced was paged through: copies that are dropped count, too.
        """
        rows = _rows(self.last)
        if self.details.pages_may_be_short:
            return rows > 0 or self.reached < self.total_hits
        return rows > 0 and (rows >= self.page_size or self.rows < self.total_hits)


def _rows(pages: list[Page]) -> int:
    return sum(page.records for page in pages)


def _announced(envelope: Envelope) -> int | None:
    """What an answer announces: `{}`, once it is believed, announces nothing."""
    if envelope.total_hits is None and not envelope.page.records:
        return 0
    return envelope.total_hits


def _asks_for_less(error: GenesysError) -> bool:
    """Tell whether a shorter interval would do. Of the server's 400 only its words are documented, no code is."""
    message = (error.message or "").lower()
    return isinstance(error, IntervalTooDenseError) or (
        error.status == 400 and ("pagination may not exceed" in message or "search interval" in message)
    )


def smallest_factor(number: int) -> int:
    """Return the smallest factor above 1, so that pages of `number` rows split into equal pages exactly."""
    return next((factor for factor in range(2, int(number**0.5) + 1) if number % factor == 0), number)
