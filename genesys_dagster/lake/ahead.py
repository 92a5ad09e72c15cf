"""Items that are made ahead of their use, in a thread of its own."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from genesys_dagster.lake.frames import closing

Item = TypeVar("Item")


def ahead(items: Iterator[Item], most: int = 2) -> Iterator[Item]:
    """Yields items, of which the next are made while one is used.

    Args:
        items: Closed in every case, where they can be.
        most: How many may wait.

    Raises:
        Exception: Whatever they raise, in its place.
    """
    end: Any = object()
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(most))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, items, end))
                yield item
        finally:
            thread.shutdown(cancel_futures=True)
