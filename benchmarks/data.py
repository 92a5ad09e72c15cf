"""A day of conversations of the sandbox org, kept on disk as the response bodies that carry it, gzipped and plain.

A day is made once per size and kept. Making it needs the memory of a few pages; reading it back none worth naming,
the file is mapped.
"""

import json
import mmap
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Literal

from benchmarks.folders import folder
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import day_number, from_datetime

Source = Literal["job", "query"]

DAY = date(2026, 1, 5)
"""A Monday, on which the org has exactly as many conversations as it is asked for."""

AVAILABLE_UNTIL = datetime(2026, 1, 19, tzinfo=UTC)
"""The moment of knowledge, and the jobs' watermark: evaluations and surveys are in, a few emails are still open."""

PAGE_SIZES: dict[Source, int] = {"job": 1_000, "query": 100}

# What a gateway does by default; the ratio (about 6) decides how many bytes the HTTP client has to handle.
_GZIP_LEVEL = 6
GZIP = 16 + zlib.MAX_WBITS
_BODIES_IN_MEMORY = 64 * 2**20


@dataclass(frozen=True)
class Day:
    """One day's response bodies of one source, in order."""

    path: Path
    source: Source
    conversations: int
    raw_bytes: int
    """Bytes of the records themselves, as JSON."""
    page_bytes: list[int]
    """Size of each body."""
    is_plain: bool = False
    """Whether the bodies are not gzipped."""

    @cached_property
    def _mapped(self) -> memoryview:
        with self.path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    @cached_property
    def _offsets(self) -> list[int]:
        return [0, *accumulate(self.page_bytes)]

    def __len__(self) -> int:
        return len(self.page_bytes)

    def body(self, number: int) -> memoryview:
        """A response body as it travels, by its place from 0."""
        return self._mapped[self._offsets[number] : self._offsets[number + 1]]

    def bodies(self, limit: int | None = None) -> Iterator[bytes]:
        """Response bodies, inflated."""
        for number in islice(range(len(self)), limit):
            yield (
                bytes(self.body(number)) if self.is_plain else zlib.decompress(self.body(number), wbits=GZIP)
            )


def day_of(conversations: int, source: Source = "job", *, plain: bool = False) -> Day:
    """The day with that many conversations, made now if it is not on disk yet; plain: its bodies are not gzipped."""
    index = folder("data") / f"{source}-{conversations}{'-plain' if plain else ''}.json"
    if not index.exists():
        if plain:
            _inflate(index, day_of(conversations, source))
        else:
            print(f"Making a day of {conversations:,} conversations ({source}) ...", flush=True)
            _make(index, conversations, source)
    return open_day(index)


def open_day(index: Path) -> Day:
    """The day that an index file describes."""
    said = json.loads(index.read_text())
    return Day(path=index.with_suffix(_suffix(plain=said.get("is_plain", False))), **said)


def _suffix(*, plain: bool) -> str:
    return ".plain" if plain else ".gz"


def _inflate(index: Path, day: Day) -> None:
    with index.with_suffix(_suffix(plain=True)).open("wb") as file:
        sizes = [file.write(body) for body in day.bodies()]
    said = {name: getattr(day, name) for name in ("source", "conversations", "raw_bytes")}
    index.write_text(json.dumps({**said, "page_bytes": sizes, "is_plain": True}))


def index_of(day: Day) -> Path:
    """The index file of a day, by which another process opens it."""
    return day.path.with_suffix(".json")


def _make(index: Path, conversations: int, source: Source) -> None:
    sizes: list[int] = []
    raw_bytes = 0
    pages = _in_pages(_records(conversations, source), PAGE_SIZES[source])
    # One page is compressed while the next is made.
    with index.with_suffix(_suffix(plain=False)).open("wb") as file, ThreadPoolExecutor(1) as compressor:
        waiting = None
        total = -(-conversations // PAGE_SIZES[source])
        for number, records in enumerate(pages):
            raw_bytes += sum(map(len, records))
            compressed = compressor.submit(_gzip, _body(records, number, total, conversations, source))
            if waiting:
                sizes.append(file.write(waiting.result()))
            waiting = compressed
        if waiting:
            sizes.append(file.write(waiting.result()))
    index.write_text(
        json.dumps(
            {
                "source": source,
                "conversations": conversations,
                "raw_bytes": raw_bytes,
                "page_bytes": sizes,
            }
        )
    )


def _records(conversations: int, source: Source) -> Iterator[bytes]:
    org = Org(
        conversations_per_day=conversations,
        variation=0.0,
        now=lambda: AVAILABLE_UNTIL,
        bodies_in_memory=_BODIES_IN_MEMORY,
    )
    as_of = from_datetime(AVAILABLE_UNTIL)
    for row in org.rows_of_day(day_number(DAY)):
        # The interactive query leaves participant attributes out.
        yield org.body(row, as_of, attributes=source == "job")


def _in_pages(records: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while page := list(islice(records, size)):
        yield page


def _body(records: list[bytes], number: int, total: int, conversations: int, source: Source) -> bytes:
    if source == "query":
        rest = f'"totalHits":{conversations}'
    else:
        cursor = f'"cursor":"{number + 1}",' if number + 1 < total else ""
        rest = f'{cursor}"dataAvailabilityDate":"{AVAILABLE_UNTIL:%Y-%m-%dT%H:%M:%S.000Z}"'
    return b'{"conversations":[' + b",".join(records) + b"]," + rest.encode() + b"}"


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(_GZIP_LEVEL, wbits=GZIP)
    return compressor.compress(body) + compressor.flush()


def window() -> tuple[datetime, datetime]:
    """First instant of the day, and the first after it."""
    start = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    return start, start + timedelta(days=1)
