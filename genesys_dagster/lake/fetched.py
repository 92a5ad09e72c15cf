"""What the inputs of a process fetched: how much, and copies of objects that several of them read.

Each of eight tables reads the same day. From the second input on, what is fetched lies in a temporary file, in whole
blocks: neighbouring columns come with one request, and nothing comes a third time. The first input fetches what it needs
and no more, because it may be the only one.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator

_BLOCK = 1024 * 1024
# Of all objects together; more are read as if they were read once.
_MOST = 1024 * _BLOCK

Fetch = Callable[[int, int], bytes]


class Fetched:
    """What a process fetched.

    Attributes:
        size: Bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._copies: dict[str, Copy | None] = {}
        self._lock = threading.Lock()
        self._kept = 0

    def add(self, size: int) -> None:
        """Counts bytes."""
        with self._lock:
            self.size += size

    def copy(self, version: str, size: int) -> "Copy | None":
        """The copy of a version that is asked for again, if there is room for one."""
        with self._lock:
            if version not in self._copies:
                self._copies[version] = None
            elif self._copies[version] is None and self._kept + size <= _MOST:
                with contextlib.suppress(OSError):
                    self._copies[version] = Copy(size)
                    self._kept += size
            return self._copies[version]

    def close(self) -> None:
        """Gives the room back."""
        with self._lock:
            copies, self._copies, self._kept = list(self._copies.values()), {}, 0
        for copy in copies:
            if copy:
                copy.close()


class Copy:
    """What was fetched of one version of an object."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._file = tempfile.TemporaryFile(prefix="genesys-dagster-")  # noqa: SIM115 - has no name: goes with the process
        self._blocks: set[int] = set()
        self._lock = threading.Lock()

    def read(self, start: int, end: int, fetch: Fetch) -> bytes:
        """The bytes from `start` to before `end`, fetched where they are not there."""
        with self._lock:
            if self._file.closed:
                return fetch(start, end)
            for first, last in self._missing(start // _BLOCK, -(-end // _BLOCK)):
                data = fetch(first * _BLOCK, min(last * _BLOCK, self._size))
                if not self._write(data, first * _BLOCK):  # no room: nothing of it counts as there
                    return fetch(start, end)
                self._blocks.update(range(first, last))
            return os.pread(self._file.fileno(), end - start, start)

    def close(self) -> None:
        """Removes it."""
        with self._lock:
            self._file.close()

    def _write(self, data: bytes, start: int) -> bool:
        try:
            return os.pwrite(self._file.fileno(), data, start) == len(data)
        except OSError:
            return False

    def _missing(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Runs of blocks that are not there."""
        begin = None
        for block in range(first, last + 1):
            is_missing = block < last and block not in self._blocks
            if is_missing and begin is None:
                begin = block
            elif not is_missing and begin is not None:
                yield begin, block
                begin = None
