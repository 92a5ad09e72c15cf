"""Async work for synchronous consumers: an asynchronous iterator that runs ahead in a thread of its own."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BackgroundIterator(Generic[Item]):
    """Iterates over an asynchronous generator that runs in a background thread.

    The generator is at most `read_ahead` items ahead of the consumer. What it raises is raised to the consumer.
    `close()` cancels it, waits until its clean-up is done and is safe to call at any time, also twice; leaving a
    `with` block closes.

    Args:
        make: called in the background thread's event loop; returns the asynchronous generator.
        read_ahead: items that may wait for the consumer.
    """

    def __init__(self, make: Callable[[], AsyncGenerator[Item, None]], *, read_ahead: int = 1) -> None:
        self._make = make
        self._items: queue.SimpleQueue[tuple[bool, Item | BaseException | None]] = queue.SimpleQueue()
        self._slots = asyncio.Semaphore(read_ahead)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="genesys-export", daemon=True)

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._thread.ident is None:
            self._thread.start()
            self._started.wait()
        is_item, value = self._items.get()
        if is_item:
            self._tell(self._slots.release)
            return value  # type: ignore[return-value]
        self._items.put((False, None))  # the end is the end, however often it is asked for
        self._thread.join()
        if isinstance(value, BaseException):
            raise value
        raise StopIteration

    def close(self) -> None:
        """Cancel the generator, if it still runs, and wait for its clean-up."""
        if self._thread.ident is None:
            return
        if self._task:
            self._tell(self._task.cancel)
        self._thread.join()

    def _tell(self, callback: Callable[[], object]) -> None:
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed: the producer has ended by itself
                self._loop.call_soon_threadsafe(callback)

    def __enter__(self) -> "BackgroundIterator[Item]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._produce())
        except asyncio.CancelledError:
            self._items.put((False, None))
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, whatever it is
            self._items.put((False, error))
        else:
            self._items.put((False, None))
        finally:
            self._started.set()

    async def _produce(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        async with aclosing(self._make()) as items:
            async for item in items:
                await self._slots.acquire()
                self._items.put((True, item))
