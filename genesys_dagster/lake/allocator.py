"""Where memory comes from while an object is written, and when it goes back."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pyarrow as pa

# mallopt(3): blocks of this size and more go back to the system when they are freed.
_M_MMAP_THRESHOLD = -3
_LARGE = 1024 * 1024


@contextmanager
def memory_given_back() -> Iterator[None]:
    """Let Arrow use the system's allocator in the block.

    Its own keeps what is freed for later: 520 MB at the peak of an export instead of 450, at the same speed. Memory
    that was taken before is given back to where it came from. The choice is the whole process's, and after
    overlapping blocks of several threads it may stay.
    """
    _give_back_large_blocks()
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


@cache
def _give_back_large_blocks() -> None:
    """Tell glibc not to keep the memory of large blocks, pages of the API above all.

    By itself it begins to keep blocks of up to 32 MiB once it has seen some freed: 25 MB more at the peak of an export, 50
    where a day is pulled again. Other C libraries have nothing to tell.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
