"""The interactive query: one interval of conversation details, sliced and paged within the endpoint's limits."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Any, Literal

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import (
    ConfigurationError,
    IntervalTooDenseError,
    MalformedResponseError,
    PaginationLoopError,
    RequestRejectedError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.pages import Envelope, Page
from genesys_dagster.genesys.paging import CursorTrail, along_cursor, in_order
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.whole import ANSWERS, Chain, counted, numbered

QUERY_PATH = "/api/v2/analytics/conversations/details/query"

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
    """

    def __init__(
        self, client: GenesysClient, *, paging: Paging, page_size: int, progress: ExportProgress
    ) -> None:
        self._client = client
        self._paging = paging
        self._page_size = page_size
        self._progress = progress
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
        body = {**_body(interval), "paging": {"pageSize": 1, "pageNumber": 1}}
        envelope = await self._client.fetch("POST", QUERY_PATH, counted(), json=body, attempts=attempts)
        return _announced(envelope)

    def _announce(self, interval: Interval, envelopes: list[Envelope]) -> None:
        """Note what the first answer about the whole interval says; later ones, and sums of parts, wobble."""
        if interval == self._whole and self._progress.total_hits is None and envelopes:
            self._progress.total_hits = _announced(envelopes[0])

    async def _slice(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield one slice, in halves where it is too much for one go."""
        reader = self._by_cursor if self._paging == "cursor" else self._by_number
        too_much: Exception | None = None
        try:
            async with aclosing(reader(interval)) as pages:
                async for page in pages:
                    yield page
        except _TooManyRows as error:
            too_much = error
        except RequestRejectedError as error:
            if not _asks_for_less(error):
                raise
            too_much = error
        if too_much is not None:
            for half in _halves(interval, too_much):
                async with aclosing(self._slice(half)) as pages:
                    async for page in pages:
                        yield page

    async def _by_number(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield pages by number: the first, then the announced rest concurrently, then whatever else there is."""
        slice_ = _Slice(self._page_size)
        first = await self._fetch_numbered(interval, 1, self._page_size)
        slice_.take(first)
        self._announce(interval, first)
        announced = slice_.total_hits
        if announced > ROW_CAP:
            raise _TooManyRows
        last_planned = max(1, -(-announced // self._page_size))
        rest = (
            partial(self._fetch_numbered, interval, n, self._page_size, announced)
            for n in range(2, last_planned + 1)
        )
        fetches = chain([partial(_at_once, first)], rest)
        async with aclosing(in_order(fetches, self._client.settings.max_concurrency)) as arriving:
            async for envelopes in arriving:
                if envelopes is not first:
                    if not slice_.previous_rows and any(envelope.page.records for envelope in envelopes):
                        raise MalformedResponseError(
                            "a page without rows came before one with rows", method="POST", path=QUERY_PATH
                        )
                    slice_.take(envelopes)
                for envelope in envelopes:
                    yield envelope.page
        # totalHits is approximate and moves (Genesys developer blog, "Analytics conversations API behavior",
        # 2022-04-21): it plans the work, but only a page that is short or empty ends it.
        number = last_planned
        while slice_.may_go_on:
            number += 1
            if number * self._page_size > ROW_CAP:
                raise _TooManyRows
            envelopes = await self._fetch_numbered(
                interval, number, self._page_size, slice_.total_hits, slice_.rows
            )
            slice_.take(envelopes)
            for envelope in envelopes:
                if envelope.page.records:
                    yield envelope.page

    async def _fetch_numbered(
        self,
        interval: Interval,
        number: int,
        size: int,
        announced: int | None = None,
        reached: int | None = None,
    ) -> list[Envelope]:
        """Fetch one page; if the server finds it too large, the same rows as several smaller pages.

        Args:
            interval: The slice.
            number: Which page.
            size: Of how many records.
            announced: How many there are, once that is known.
            reached: How many have come before the page; None if all before it are full.
        """
        body = {**_body(interval), "paging": {"pageSize": size, "pageNumber": number}}
        read = numbered((number - 1) * size if reached is None else reached, announced)
        try:
            fetched = self._client.fetch("POST", QUERY_PATH, read, json=body, attempts=self._attempts)
            return [await fetched]
        except RequestRejectedError as error:
            if not is_too_large(error) or size == 1:
                raise
        factor = smallest_factor(size)
        smaller: list[Envelope] = []
        for part in range((number - 1) * factor + 1, number * factor + 1):
            if announced is None and smaller:
                announced = smaller[0].total_hits or 0
            smaller += await self._fetch_numbered(interval, part, size // factor, announced, reached)
        return smaller

    async def _by_cursor(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield pages along `X-Genesys-Next-Page` or `nextPage`, sent back as `pageToken` in the address."""
        trail = CursorTrail(QUERY_PATH)
        pages, slice_ = Chain(self._page_size), _Slice(self._page_size)

        async def fetch(cursor: str | None) -> tuple[Envelope, str | None]:
            body = {**_body(interval), "paging": {"pageSize": pages.page_size, "pageNumber": 1}}
            try:
                envelope = await self._client.fetch(
                    "POST",
                    QUERY_PATH,
                    pages.reader(),
                    json=body,
                    params=None if cursor is None else {"pageToken": cursor},
                    attempts=self._attempts,
                )
            except RequestRejectedError as error:
                if not is_too_large(error) or pages.page_size == 1:
                    raise
                pages.page_size //= 2
                return await fetch(cursor)
            pages.take(envelope)
            return envelope, trail.follow(envelope.next_cursor, envelope.mark)

        async with aclosing(along_cursor(fetch, _CURSOR_AHEAD)) as envelopes:
            async for envelope in envelopes:
                slice_.take([envelope])
                self._announce(interval, [envelope])
                yield envelope.page
        if slice_.rows and slice_.rows < slice_.total_hits and slice_.pages == 1:
            raise ConfigurationError(
                f"the server announced {slice_.total_hits} conversations but named no page after the first",
                path=QUERY_PATH,
                remedy='It pages by number, as Genesys Cloud itself does: set paging="number".',
            )


async def _at_once(envelopes: list[Envelope]) -> list[Envelope]:
    return envelopes


class _TooManyRows(Exception):  # noqa: N818 - a signal between two methods
    """The slice holds more rows than can be paged through."""


@dataclass(slots=True)
class _Slice:
    """What was seen of one slice."""

    page_size: int
    total_hits: int = 0
    rows: int = 0
    pages: int = 0
    previous: bytes = b""
    previous_rows: int = 0
    may_go_on: bool = True

    def take(self, envelopes: list[Envelope]) -> None:
        """Count the envelopes that together make one page, and decide whether another can follow."""
        count = sum(envelope.page.records for envelope in envelopes)
        body = b"".join(envelope.page.body for envelope in envelopes)
        if count and body == self.previous:
            raise PaginationLoopError(
                "the server sent the same page twice in a row",
                path=QUERY_PATH,
                remedy='A gateway that ignores page numbers needs paging="cursor".',
            )
        self.previous, self.previous_rows = body, count
        self.rows += count
        self.pages += 1
        for envelope in envelopes:
            self.total_hits = max(self.total_hits, envelope.total_hits or 0)
        # A short page is the last one, unless fewer rows came than were announced (a server may allow smaller pages
        # than asked for): then only an empty one is.
        self.may_go_on = count > 0 and (count >= self.page_size or self.rows < self.total_hits)


def _announced(envelope: Envelope) -> int | None:
    """What an answer announces: `{}`, once it is believed, announces nothing."""
    if envelope.total_hits is None and not envelope.page.records:
        return 0
    return envelope.total_hits


def _body(interval: Interval) -> dict[str, Any]:
    return {"interval": interval.as_text(), "order": "asc", "orderBy": "conversationStart"}


def _halves(interval: Interval, reason: Exception) -> Iterator[Interval]:
    if interval.length <= SHORTEST_INTERVAL:
        if isinstance(reason, RequestRejectedError):
            raise reason
        raise IntervalTooDenseError(
            f"{interval.as_text()} still holds more than {ROW_CAP} conversations",
            path=QUERY_PATH,
            remedy='The interactive query cannot deliver them: use source="job".',
        )
    yield from interval.halves()


def _asks_for_less(error: RequestRejectedError) -> bool:
    """Tell whether a 400 is about the extent of the query. Only its words are documented, no code is."""
    message = (error.message or "").lower()
    return error.status == 400 and ("pagination may not exceed" in message or "search interval" in message)


def is_too_large(error: RequestRejectedError) -> bool:
    """Tell whether a smaller page would do (platform-client-sdk-cli, x-inin-error-codes of the operation)."""
    return error.code == "response.entity.too.large"


def smallest_factor(number: int) -> int:
    """Return the smallest factor above 1, so that pages of `number` rows split into equal pages exactly."""
    return next((factor for factor in range(2, int(number**0.5) + 1) if number % factor == 0), number)
