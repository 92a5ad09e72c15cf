"""How pages follow each other: concurrently in order, by cursor, and through entity listings."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import (
    MalformedResponseError,
    PaginationLoopError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.responses import Response

T = TypeVar("T")
_ENTITIES_PER_PAGE = 100  # accepted by every listing; some allow more (Genesys developer docs, "Pagination")


_PAGES_WITHOUT_NEWS = 3  # in a row, with a cursor each: as many as are followed


class CursorTrail:
    """The cursors followed so far. A repeated one, or ever new ones to nothing new, would be followed for ever."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: set[str] = set()
        self._marks: set[int] = set()
        self._without_news = 0

    def follow(self, cursor: str | None, mark: int | None) -> str | None:
        """Return the cursor, which must be new; None (the last page was read) passes.

        Args:
            cursor: Where the page that was just read leads.
            mark: The same for pages with the same records; None for a page without records.

        Raises:
            PaginationLoopError: It was followed before, or the last pages held nothing new.
        """
        if cursor is None:
            return None
        is_new = mark is not None and mark not in self._marks
        self._without_news = 0 if is_new else self._without_news + 1
        if mark is not None:
            self._marks.add(mark)
        if cursor in self._seen:
            raise self._loop("the server gave a cursor for the second time")
        if self._without_news >= _PAGES_WITHOUT_NEWS:
            raise self._loop(f"the server leads on, but its last {self._without_news} pages held nothing new")
        self._seen.add(cursor)
        return cursor

    def _loop(self, problem: str) -> PaginationLoopError:
        return PaginationLoopError(
            f"{problem}, after {len(self._seen)} pages",
            path=self._path,
            retryable=True,
            remedy="If it stays so, report this to whoever runs the server; nothing was skipped silently.",
        )


def stray_cancellation() -> ServiceUnavailableError:
    """The error that takes the place of a cancellation which nobody here asked for, so that it is no clean end."""
    return ServiceUnavailableError(
        "reading was cancelled by something else than this program", remedy="Run the step again."
    )


async def in_order(fetches: Iterable[Callable[[], Awaitable[T]]], ahead: int) -> AsyncGenerator[T, None]:
    """Run fetches concurrently and yield their results in the order given.

    Args:
        fetches: What to run; taken one by one, as places become free.
        ahead: How many may be running or waiting to be consumed, at most.

    Yields:
        The results. Closing the iterator, or an error in any fetch, cancels all others.
    """
    waiting = iter(fetches)
    running: deque[asyncio.Task[T]] = deque()

    def fill() -> None:
        while len(running) < ahead and (fetch := next(waiting, None)) is not None:
            running.append(asyncio.ensure_future(fetch()))

    try:
        fill()
        while running:
            result = await _result(running[0])
            running.popleft()
            fill()
            yield result
    finally:
        await cancel_all(running)


async def _result(task: "asyncio.Task[T]") -> T:
    """The task's result; if it ends cancelled though nobody cancels us, that is an error."""
    try:
        return await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is None or current.cancelling() or not task.cancelled():
            raise
        raise stray_cancellation() from None


async def along_cursor(
    fetch: Callable[[str | None], Awaitable[tuple[T, str | None]]], ahead: int
) -> AsyncGenerator[T, None]:
    """Yield page after page, fetching the next ones while the consumer is busy.

    Args:
        fetch: Gets the page of a cursor (None: the first) and the cursor after it (None: that was the last).
        ahead: How many pages may be fetched before they are asked for, at most; at least 1.

    Yields:
        The pages. Closing the iterator cancels what is under way.
    """
    ready: asyncio.Queue[tuple[T, bool] | BaseException] = asyncio.Queue()
    room = asyncio.Semaphore(ahead)

    async def walk() -> None:
        cursor: str | None = None
        try:
            while True:
                await room.acquire()
                page, cursor = await fetch(cursor)
                ready.put_nowait((page, cursor is None))
                if cursor is None:
                    return
        except asyncio.CancelledError:
            ready.put_nowait(stray_cancellation())  # if it was ours, nobody reads it any more
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the pages are consumed
            ready.put_nowait(error)

    walker = asyncio.ensure_future(walk())
    try:
        last = False
        while not last:
            arrived = await ready.get()
            if isinstance(arrived, BaseException):
                raise arrived
            page, last = arrived
            room.release()
            yield page
    finally:
        await cancel_all([walker])


async def cancel_all(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks and wait until each has cleaned up; their results and errors are of no interest any more."""
    pending = list(tasks)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def entities(
    client: GenesysClient, path: str, params: dict[str, str | int] | None = None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield every entity of a listing such as `/api/v2/routing/queues`.

    Listings count pages (`pageNumber`, `pageCount`) or name the next one (`nextUri`); the server may lower the page
    size, so its own page count decides and never the number of entities received (estuary/connectors,
    source-genesys).

    Args:
        client: An open client.
        path: Path of the listing.
        params: Further query parameters, such as `{"state": "any"}`.

    Raises:
        MalformedResponseError: A page is not a listing.
        PaginationLoopError: The listing does not come to an end.
    """
    number, trail = 1, CursorTrail(path)
    while True:
        query = {"pageSize": _ENTITIES_PER_PAGE, **(params or {}), "pageNumber": number}
        listing = await client.fetch("GET", path, read_listing_page, params=query)
        for entity in listing.entities:
            yield entity
        if listing.page_count is not None:
            next_page = str(number + 1) if number < listing.page_count else None
        else:
            next_page = listing.next_uri if listing.entities else None
        if trail.follow(next_page, listing.mark) is None:
            return
        number += 1


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of a listing.

    Attributes:
        entities: What it lists.
        page_count: How many pages there are, if it says so.
        next_uri: Address of the next page, if it names one.
    """

    entities: list[dict[str, Any]]
    page_count: int | None
    next_uri: str | None

    @property
    def mark(self) -> int | None:
        """As `CursorTrail.follow` wants it."""
        return hash(repr(self.entities)) if self.entities else None


def read_listing_page(response: Response) -> ListingPage:
    """Read a page of entities.

    Raises:
        MalformedResponseError: It is none; `{}` is none either, since nothing in it says that there are no entities.
    """
    said = response.json()
    entities, pages, next_uri = said.get("entities"), said.get("pageCount"), said.get("nextUri")
    if entities is None and 0 in (pages, said.get("total")):
        entities = []
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise MalformedResponseError("the answer is not a listing of entities")
    return ListingPage(
        entities,
        pages if isinstance(pages, int) else None,
        next_uri if isinstance(next_uri, str) and next_uri else None,
    )
