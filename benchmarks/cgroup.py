"""A control group of the kernel with a limit of memory, of either version: what a container's limit is made of."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NAME = "genesys-benchmark"


@dataclass(frozen=True)
class _Files:
    """Names by version (the kernel's cgroup-v1/memory.rst and cgroup-v2.rst)."""

    above: Path
    limit: str
    peak: str


_FIRST = _Files(_ROOT / "memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes")
_SECOND = _Files(_ROOT, "memory.max", "memory.peak")


class Group:
    """A group that processes are started in."""

    def __init__(self, folder: Path, files: _Files) -> None:
        self._folder = folder
        self._files = files

    @property
    def under(self) -> Sequence[str]:
        """The command that runs another one in it."""
        return ("sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"))

    @property
    def peak(self) -> int:
        """Its largest use so far in bytes, cached files included."""
        return int((self._folder / self._files.peak).read_text())


@contextmanager
def limited(megabytes: int) -> Iterator[Group]:
    """Make a group with a limit of so many MiB, and remove it at the end.

    Raises:
        PermissionError: This needs root, and a kernel's memory controller that may be written.
    """
    files = _FIRST if _FIRST.above.is_dir() else _SECOND
    folder = files.above / _NAME
    try:
        folder.mkdir()
        (folder / files.limit).write_text(str(megabytes * 2**20))
    except OSError as error:
        with_reason = f"A memory limit needs root and a memory controller below {files.above}: {error}"
        raise PermissionError(with_reason) from error
    try:
        yield Group(folder, files)
    finally:
        folder.rmdir()
