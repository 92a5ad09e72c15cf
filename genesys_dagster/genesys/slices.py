"""One interval as several bulk jobs at once: results of one job come page after page, those of several together."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial

from genesys_dagster.genesys.clock import Clock
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.jobs import BulkJob
from genesys_dagster.genesys.packing import PackedPage
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.paging import cancel_all, stray_cancellation

_log = logging.getLogger(__name__)
# Per slice: what a later slice may have fetched before its turn, so that memory stays bounded. Compressed, sixteen
# take the memory of four. A slice that has more stands still until its turn, and then reads alone (`cuts`).
_PAGES_WAITING = 16
# s; jobs have a limit by the second, `details.jobs.rate.per.second`, whose value is not documented (organization limits,
# namespace `analytics`): no more of them than of other requests in a long time.
BETWEEN_SUBMITS = 0.2


async def sliced(
    slices: Sequence[Interval], at_once: int, job_for: Callable[[Interval], BulkJob], clock: Clock
) -> AsyncGenerator[Page, None]:
    """Yield the pages of slices in their order, several slices fetched at a time.

    A conversation that crosses from one slice into the next comes with both. If the server takes no more jobs at
    once, the slice that it refuses waits until an earlier one has ended, and fewer run at once from then on.

    Args:
        slices: What to read, in time order.
        at_once: How many of them may be under way.
        job_for: Makes the job of a slice.
        clock: Passes the time.

    Raises:
        GenesysError: Whatever reading a slice raised; the other slices are then cancelled and cleaned up.
    """
    places = _Places(at_once, clock)
    waiting = deque(enumerate(slices))
    running: deque[_Slice] = deque()
    ending: list[asyncio.Task[None]] = []
    try:
        while waiting or running:
            while waiting and len(running) < places.at_once:
                number, interval = waiting.popleft()
                running.append(_Slice(job_for(interval), number, places))
            async with aclosing(running[0].pages()) as pages:
                async for page in pages:
                    yield page
            ending.append(running.popleft().task)  # only its job is still to be deleted
        await asyncio.gather(*ending)
    finally:
        await cancel_all([*ending, *(slice_.task for slice_ in running)])


class _Places:
    """The places that the server has for jobs of ours.

    Jobs are submitted in turn. Where an answer takes long, the next is submitted meanwhile: far away, one after the
    other would take as long as reading. So a later slice may get a place that an earlier one is refused. The earlier
    one then gets the next place that one of ours leaves; where it can only be one after it, which may be waiting for
    its own turn to be consumed, those read on to their end, whatever memory that takes.
    """

    def __init__(self, at_once: int, clock: Clock) -> None:
        self._wanted = at_once
        self._clock = clock
        self._turn = asyncio.Lock()  # first come, first served
        self._asking: set[int] = set()
        self._taken: dict[int, _Room] = {}
        self._most = 0
        self._is_limited = False
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @property
    def at_once(self) -> int:
        """How many slices may be under way: as many as the server took, once it refused one."""
        return max(1, self._most) if self._is_limited else self._wanted

    @asynccontextmanager
    async def taken_by(self, job: BulkJob, number: int, room: "_Room") -> AsyncIterator[None]:
        """Submit the job of a slice, and end it."""
        async with self._in_turn():
            self._asking.add(number)
            try:
                await job.submit(partial(self._one_more, number))
            finally:
                self._asking.discard(number)
        self._taken[number] = room
        self._most = max(self._most, len(self._taken))
        try:
            async with job:
                yield
        finally:
            del self._taken[number]
            if self._waiting:
                self._waiting.pop(min(self._waiting)).set_result(None)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        await self._turn.acquire()
        passing_on = asyncio.ensure_future(self._pass_on())
        try:
            yield
        finally:
            if passing_on.cancel() or not passing_on.result():
                self._turn.release()

    async def _pass_on(self) -> bool:
        """Let the next one submit; False if the server refuses jobs, as then they wait for each other."""
        await self._clock.sleep(BETWEEN_SUBMITS)
        if not self._is_limited:
            self._turn.release()
        return not self._is_limited

    async def _one_more(self, number: int) -> bool:
        """Wait until one of ours has ended; False if none is under way, and none before this one asks."""
        self._is_limited = True
        if not any(other < number for other in self._taken.keys() | self._asking):
            if not self._taken:
                return False
            for room in self._taken.values():
                room.lift()
        _log.info("the server takes no more bulk jobs at once: going on with %d", self.at_once)
        place = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await place
        finally:
            self._waiting.pop(number, None)
        return True


class _Room:
    """How many pages of a slice may wait for their turn."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_PAGES_WAITING)
        self._is_lifted = False

    async def take(self) -> None:
        if not self._is_lifted:
            await self._free.acquire()

    def give(self) -> None:
        self._free.release()

    def lift(self) -> None:
        """From now on there is room for all."""
        self._is_lifted = True
        self._free.release()


class _Slice:
    """A slice that is read in the background, a few pages ahead of its turn."""

    def __init__(self, job: BulkJob, number: int, places: _Places) -> None:
        self._ready: asyncio.Queue[Page | PackedPage | BaseException | None] = asyncio.Queue()
        self._room = _Room()
        self.task = asyncio.ensure_future(self._run(job, number, places))

    async def pages(self) -> AsyncGenerator[Page, None]:
        """Yield the slice's pages; raise what reading them raised."""
        while (item := await self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._room.give()
            yield await item.unpack() if isinstance(item, PackedPage) else item

    async def _run(self, job: BulkJob, number: int, places: _Places) -> None:
        try:
            async with places.taken_by(job, number, self._room), aclosing(job.pages()) as pages:
                async for page in pages:
                    await self._room.take()
                    is_awaited = self._ready.empty()
                    self._ready.put_nowait(page if is_awaited else await PackedPage.of(page))
                self._ready.put_nowait(None)  # the consumer goes on while the job is deleted
        except asyncio.CancelledError:
            self._ready.put_nowait(stray_cancellation())  # if it was ours, nobody reads it any more
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the pages are consumed
            self._ready.put_nowait(error)
