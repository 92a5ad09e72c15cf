"""Items that are made ahead of their use, in a thread of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from genesys_dagster.lake.frames import closing

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yields items, of which the next is made while one is used.

    Args:
        items: Closed in every case, where they can be.

    Raises:
        Exception: Whatever they raise, in its place.
    """
    end: Any = object()
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        following = thread.submit(next, items, end)
        while (item := following.result()) is not end:
            following = thread.submit(next, items, end)
            yield item
