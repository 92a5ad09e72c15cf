"""One interval as several bulk jobs at once: results of one job come page after page, those of several together."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta
from itertools import pairwise

from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.jobs import JobFollower
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

PagesOf = Callable[[Interval, JobFollower], AsyncGenerator[Page, None]]


async def sliced(
    interval: Interval, count: int, at_once: int, pages_of: PagesOf
) -> AsyncGenerator[Page, None]:
    """Yield the pages of an interval, its slices in time order, fetched several at a time.

    A conversation that crosses from one slice into the next comes with both. If the server takes no more jobs at
    once, the slice that it refuses waits until an earlier one has ended, and fewer run at once from then on.

    Args:
        interval: What to read.
        count: Into how many slices of equal length to cut it.
        at_once: How many slices may be under way.
        pages_of: Reads one slice, and tells the follower it is given how far its job is.

    Raises:
        GenesysError: Whatever reading a slice raised; the other slices are then cancelled and cleaned up.
    """
    jobs = _Jobs(at_once)
    waiting = deque(equal_slices(interval, count))
    running: deque[_Slice] = deque()
    ending: list[asyncio.Task[None]] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs.at_once:
                running.append(_Slice(waiting.popleft(), pages_of, jobs))
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


class _Jobs:
    """The jobs that the server holds for us, submitted one after the other.

    In turn, because a slice that waits for the server must only ever wait for slices before it: those after it may
    be waiting for their own turn to be consumed.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.turn = asyncio.Lock()  # first come, first served
        self._held = 0
        self._ended = asyncio.Event()

    def taken(self) -> None:
        """One more was submitted."""
        self._held += 1
        self.turn.release()

    def ended(self) -> None:
        """One is read and deleted."""
        self._held -= 1
        self._ended.set()

    async def one_less(self) -> bool:
        """Wait until one has ended; returns False if there is none."""
        if not self._held:
            return False
        self.at_once = self._held
        _log.info("the server takes no more bulk jobs at once: going on with %d", self.at_once)
        self._ended.clear()
        await self._ended.wait()
        return True


class _Slice(JobFollower):
    """A slice that is read in the background, a few pages ahead of its turn."""

    def __init__(self, interval: Interval, pages_of: PagesOf, jobs: _Jobs) -> None:
        self._interval = interval
        self._pages_of = pages_of
        self._jobs = jobs
        self._is_submitted = False
        self._ready: asyncio.Queue[Page | PackedPage | BaseException | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_PAGES_WAITING)
        self.task = asyncio.ensure_future(self._run())

    async def pages(self) -> AsyncGenerator[Page, None]:
        """Yield the slice's pages; raise what reading them raised."""
        while (item := await self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._room.release()
            yield await item.unpack() if isinstance(item, PackedPage) else item

    async def _run(self) -> None:
        await self._jobs.turn.acquire()
        try:
            async with aclosing(self._pages_of(self._interval, self)) as pages:
                async for page in pages:
                    await self._room.acquire()
                    is_awaited = self._ready.empty()
                    self._ready.put_nowait(page if is_awaited else await PackedPage.of(page))
            self._ready.put_nowait(None)  # also if the job did not tell that it was read
        except asyncio.CancelledError:
            self._ready.put_nowait(stray_cancellation())  # if it was ours, nobody reads it any more
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the pages are consumed
            self._ready.put_nowait(error)
        finally:
            if self._is_submitted:
                self._jobs.ended()
            else:
                self._jobs.turn.release()

    def submitted(self) -> None:
        """Let the next slice submit its job."""
        if not self._is_submitted:
            self._is_submitted = True
            self._jobs.taken()

    def read(self) -> None:
        """Let the consumer go on to the next slice, while the job is being deleted."""
        self._ready.put_nowait(None)

    async def make_room(self) -> bool:
        """Wait until a slice before this one has ended; False if none is under way."""
        if self._is_submitted:  # it vanished and is submitted once more: no slice is known to come before it
            return False
        return await self._jobs.one_less()
