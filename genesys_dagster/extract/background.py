"""Async work for synchronous consumers, in a thread of its own: one result, or an iterator that runs ahead."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from typing import Any, Generic, TypeVar

from genesys_dagster.genesys.paging import stray_cancellation

Item = TypeVar("Item")


def run_apart(work: Coroutine[Any, Any, Item]) -> Item:
    """Run a coroutine in a thread of its own, and wait for its result.

    An interrupt strikes the main thread. If that ran the event loop, one that strikes within a callback would be logged and
    forgotten (asyncio/events.py, `Handle._run`), and the run would go on.

    Raises:
        BaseException: What it raises; or the interrupt, once it was cancelled and has cleaned up.
    """

    async def once() -> AsyncGenerator[Item, None]:
        yield await work

    with BackgroundIterator(once) as results:
        return next(results)


class BackgroundIterator(Generic[Item]):
    """Iterates over an asynchronous generator that runs in a background thread.

    The generator is at most `read_ahead` items ahead of the consumer. What it raises is raised to the consumer, also
    a cancellation that did not come from `close()`: as a `GenesysError` that is worth another attempt.
    `close()` cancels it, waits until its clean-up is done and is safe to call at any time, also twice; leaving a
    `with` block closes.

    Args:
        make: called in the background thread's event loop; returns the asynchronous generator; its items are no exceptions.
        read_ahead: items that may wait for the consumer.
    """

    def __init__(self, make: Callable[[], AsyncGenerator[Item, None]], *, read_ahead: int = 1) -> None:
        self._make = make
        self._items: queue.SimpleQueue[Item | BaseException] = queue.SimpleQueue()
        self._slots = asyncio.Semaphore(read_ahead)  # only ever touched in the thread's loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="genesys-export", daemon=True)

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._thread.ident is None:
            self._thread.start()
        item = self._items.get()
        if not isinstance(item, BaseException):
            self._tell(self._slots.release)
            return item
        self._items.put(StopIteration())  # the end is the end, however often it is asked for
        self._thread.join()
        raise item

    def close(self) -> None:
        """Cancel the generator, if it still runs, and wait for its clean-up."""
        self._is_closed = True  # before the look at the task: the producer looks in the opposite order
        if self._thread.ident is None:
            return
        self._tell(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        if self._task:
            self._task.cancel()
        self._slots.release()  # should a cancellation be swallowed, the producer still comes to the end

    def _tell(self, callback: Callable[[], object]) -> None:
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed: the producer has ended by itself
                self._loop.call_soon_threadsafe(callback)

    def __enter__(self) -> "BackgroundIterator[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        end: BaseException = StopIteration()
        try:
            asyncio.run(self._produce())
        except asyncio.CancelledError:
            if not self._is_closed:  # taken for the end, half a day would pass for a whole one
                end = stray_cancellation()
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, whatever it is
            end = error
        self._items.put(end)

    async def _produce(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if not self._is_closed:
            await self._hand_over()

    async def _hand_over(self) -> None:
        async with aclosing(self._make()) as items:
            async for item in items:
                await self._slots.acquire()
                if self._is_closed:
                    return
                self._items.put(item)
