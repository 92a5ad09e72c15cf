"""Bytes cut into parts: how large each part is, and the buffer they are cut from.

Pure: no S3 here.
"""

from collections import deque

MIB = 1024 * 1024

# Amazon S3 User Guide, "Amazon S3 multipart upload limits": parts 1 to 10,000, 5 MiB to 5 GiB each.
MAX_PARTS = 10_000
MAX_PART_SIZE = 5 * 1024 * MIB
DEFAULT_PART_SIZE = 8 * MIB

_PARTS_PER_SIZE = 1_000


def part_size(number: int, smallest: int = DEFAULT_PART_SIZE) -> int:
    """Returns the size of one part of an object whose total size nobody knows yet.

    The size doubles every 1,000 parts. With 8 MiB to begin with, 8 GB are sent in the smallest
    parts, and 10,000 parts hold 7.8 TiB, more than the 5 TiB of S3's classic object limit.

    Args:
        number: The part's number, from 1.
        smallest: The size of the first parts, in bytes.

    Returns:
        The part's size in bytes.
    """
    doubled = smallest << ((number - 1) // _PARTS_PER_SIZE)
    return min(doubled, MAX_PART_SIZE)


class PartBuffer:
    """Bytes that wait to become a part. Keeps references and copies once, when a part is taken."""

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()
        self.size = 0

    def append(self, piece: memoryview) -> None:
        """Adds bytes that nobody changes from now on."""
        if len(piece):
            self._pieces.append(piece)
            self.size += len(piece)

    def take(self, size: int) -> bytes:
        """Removes and returns the first `size` bytes (all of them if there are fewer)."""
        taken: list[memoryview] = []
        missing = min(size, self.size)
        self.size -= missing
        while missing:
            piece = self._pieces.popleft()
            if len(piece) > missing:
                self._pieces.appendleft(piece[missing:])
                piece = piece[:missing]
            taken.append(piece)
            missing -= len(piece)
        return b"".join(taken)
