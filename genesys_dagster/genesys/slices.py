"""One interval as several bulk jobs at once: results of one job come page after page, those of several together."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from itertools import pairwise

from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.jobs import BulkJob
from genesys_dagster.genesys.packing import PackedPage
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.paging import cancel_all, stray_cancellation

_log = logging.getLogger(__name__)
# Per slice: what a later slice may have fetched before its turn, so that memory stays bounded. Compressed, twelve
# take the memory of three; with only three, the slices of the busy hours stood still most of the time.
_PAGES_WAITING = 12
_FEW_PAGES = 20
_PAGES_PER_SLICE = 6
_MOST_SLICES = 16  # measured: docs/benchmarks.md, "At a distance"
_BEARABLE = 1.5  # times what the rate limit alone dictates
_MILLISECOND = timedelta(milliseconds=1)


async def sliced(
    interval: Interval, count: int, at_once: int, job_for: Callable[[Interval], BulkJob]
) -> AsyncGenerator[Page, None]:
    """Yield the pages of an interval, its slices in time order, fetched several at a time.

    A conversation that crosses from one slice into the next comes with both. If the server takes no more jobs at
    once, the slice that it refuses waits until an earlier one has ended, and fewer run at once from then on.

    Args:
        interval: What to read.
        count: Into how many slices of equal length to cut it.
        at_once: How many slices may be under way.
        job_for: Makes the job of a slice.

    Raises:
        GenesysError: Whatever reading a slice raised; the other slices are then cancelled and cleaned up.
    """
    places = _Places(at_once)
    waiting = deque(equal_slices(interval, count))
    running: deque[_Slice] = deque()
    ending: list[asyncio.Task[None]] = []
    try:
        while waiting or running:
            while waiting and len(running) < places.at_once:
                running.append(_Slice(job_for(waiting.popleft()), places))
            async with aclosing(running[0].pages()) as pages:
                async for page in pages:
                    yield page
            ending.append(running.popleft().task)  # only its job is still to be deleted
        await asyncio.gather(*ending)
    finally:
        await cancel_all([*ending, *(slice_.task for slice_ in running)])


def slices_worth(records: int, page_size: int, answer_seconds: float, requests_per_minute: int) -> int:
    """Into how many slices to cut an interval so that its pages do not wait for each other much longer than they must.

    Each slice costs four requests and a job, so one is enough where the rate limit would hold up several as well, or
    where there are few pages.

    Args:
        records: How many are expected.
        page_size: How many come with a page.
        answer_seconds: How long an answer takes at least.
        requests_per_minute: The rate limit.
    """
    pages = -(-records // page_size)
    in_turn, by_limit = pages * answer_seconds, pages * 60 / requests_per_minute
    if pages < _FEW_PAGES or in_turn <= _BEARABLE * by_limit:
        return 1
    return min(pages // _PAGES_PER_SLICE, _MOST_SLICES)


def equal_slices(interval: Interval, count: int) -> list[Interval]:
    """Cut an interval into slices of equal length, on whole milliseconds, without gap or overlap."""
    length = max(-(-interval.length // _MILLISECOND) // count, 1) * _MILLISECOND
    cuts = [interval.start + number * length for number in range(1, count)]
    bounds = [interval.start, *(cut for cut in cuts if cut < interval.end), interval.end]
    return [Interval(start, end) for start, end in pairwise(bounds)]


class _Places:
    """The places that the server has for jobs of ours, taken one after the other.

    In turn, because a slice that waits for the server must only ever wait for slices before it: those after it may
    be waiting for their own turn to be consumed.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._turn = asyncio.Lock()  # first come, first served
        self._taken = 0
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def taken_by(self, job: BulkJob) -> AsyncIterator[None]:
        """Submit a job as soon as those before it are, and end it."""
        async with self._turn:
            await job.submit(self._one_more)
        self._taken += 1
        try:
            async with job:
                yield
        finally:
            self._taken -= 1
            self._ended.set()

    async def _one_more(self) -> bool:
        """Wait until one of ours has ended; False if there is none."""
        if not self._taken:
            return False
        self.at_once = self._taken
        _log.info("the server takes no more bulk jobs at once: going on with %d", self.at_once)
        self._ended.clear()
        await self._ended.wait()
        return True


class _Slice:
    """A slice that is read in the background, a few pages ahead of its turn."""

    def __init__(self, job: BulkJob, places: _Places) -> None:
        self._ready: asyncio.Queue[Page | PackedPage | BaseException | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_PAGES_WAITING)
        self.task = asyncio.ensure_future(self._run(job, places))

    async def pages(self) -> AsyncGenerator[Page, None]:
        """Yield the slice's pages; raise what reading them raised."""
        while (item := await self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._room.release()
            yield await item.unpack() if isinstance(item, PackedPage) else item

    async def _run(self, job: BulkJob, places: _Places) -> None:
        try:
            async with places.taken_by(job), aclosing(job.pages()) as pages:
                async for page in pages:
                    await self._room.acquire()
                    is_awaited = self._ready.empty()
                    self._ready.put_nowait(page if is_awaited else await PackedPage.of(page))
                self._ready.put_nowait(None)  # the consumer goes on while the job is deleted
        except asyncio.CancelledError:
            self._ready.put_nowait(stray_cancellation())  # if it was ours, nobody reads it any more
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the pages are consumed
            self._ready.put_nowait(error)
