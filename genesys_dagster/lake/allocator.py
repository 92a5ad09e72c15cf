"""Where Arrow takes its memory from while an object is written."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def memory_given_back() -> Iterator[None]:
    """Let Arrow use the system's allocator in the block.

    Its own keeps what is freed for later: 520 MB at the peak of an export instead of 450, at the same speed. Memory
    that was taken before is given back to where it came from. The choice is the whole process's, and after
    overlapping blocks of several threads it may stay.
    """
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
