"""How pages follow each other: concurrently in order, by cursor, and through entity listings."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError, PaginationLoopError

T = TypeVar("T")
_ENTITIES_PER_PAGE = 100  # accepted by every listing; some allow more (Genesys developer docs, "Pagination")


class CursorTrail:
    """The cursors followed so far. A repeated one would lead round in circles for ever."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: set[str] = set()

    def follow(self, cursor: str | None) -> str | None:
        """Return the cursor, which must be new; None (the last page was read) passes.

        Raises:
            PaginationLoopError: It was followed before.
        """
        if cursor is None:
            return None
        if cursor in self._seen:
            raise PaginationLoopError(
                f"the server gave a cursor for the second time, after {len(self._seen)} pages",
                path=self._path,
                remedy="Report this to whoever runs the server; nothing was skipped silently.",
            )
        self._seen.add(cursor)
        return cursor


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
            result = await running[0]
            running.popleft()
            fill()
            yield result
    finally:
        await cancel_all(running)


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
        listing = await client.get_json(path, query)
        found = listing.get("entities") or []
        if not isinstance(found, list):
            raise MalformedResponseError("the answer is not a listing of entities", method="GET", path=path)
        for entity in found:
            yield entity
        page_count, next_uri = listing.get("pageCount"), listing.get("nextUri")
        more = number < page_count if isinstance(page_count, int) else bool(found and trail.follow(next_uri))
        if not more:
            return
        number += 1
