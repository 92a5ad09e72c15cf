"""Whole exports side by side: conversations per second, CPU, peak memory. `python -m benchmarks end-to-end`.

Every measurement is a fresh process; the contenders take turns against the same two servers. What was written is
checked by its footer after every run.
"""

import io
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

import pyarrow.parquet as pq

from benchmarks import report
from benchmarks.child import Measured, run_contender
from benchmarks.contenders.task import KEY, Task
from benchmarks.data import Day, day_of
from benchmarks.servers import BUCKET, Servers, running_servers

SIZES = (10_000, 50_000, 200_000)

# With 200,000 conversations the tutorial needs about 9 GB of memory.
_LARGEST_FOR_LISTS_OF_DICTS = 50_000
_LARGEST_QUERY = 50_000
_LARGEST_FOOTER = 16 * 2**20


@dataclass
class _Contender:
    name: str
    module: str
    source: str = "job"
    largest: int | None = None
    """The largest day that it is given."""
    is_again: bool = False
    """Whether the day is there already, so that what changes is counted."""
    runs: dict[int, list[Measured]] = field(default_factory=dict)


def run(
    sizes: Sequence[int] = SIZES, *, rounds: int = 3, quick: bool = False, tutorial_at_any_size: bool = False
) -> list[dict[str, Any]]:
    """Measure, check, print and save.

    Args:
        sizes: conversations per day.
        rounds: turns per contender; one is enough above 100,000 conversations.
        quick: one turn, 10,000 conversations.
        tutorial_at_any_size: run the tutorial where it needs about 9 GB, too.

    Returns:
        One row per contender and size.
    """
    if quick:
        sizes, rounds = sizes[:1], 1
    contenders = _contenders(tutorial_at_any_size)
    for size in sizes:
        _measure(contenders, size, 1 if size > 100_000 else rounds)
    rows = [
        _row(contender, size, contenders)
        for size in sizes
        for contender in contenders
        if size in contender.runs
    ]
    report.show("Whole exports (medians; export: first request to commit; process: with imports)", rows)
    growth = _growth(contenders[0])
    if growth:
        report.show("Peak memory of ours as the day grows", growth)
    report.save("end-to-end", {"exports": rows, "growth": growth})
    return rows


def _contenders(tutorial_at_any_size: bool) -> list[_Contender]:
    limit = None if tutorial_at_any_size else _LARGEST_FOR_LISTS_OF_DICTS
    return [
        _Contender("ours, bulk job", "ours"),
        _Contender("ours, bulk job, pulled again", "ours", is_again=True),
        _Contender("ours, interactive query", "ours", source="query", largest=_LARGEST_QUERY),
        _Contender("typed script", "typed_script"),
        _Contender("tutorial", "tutorial", largest=limit),
    ]


def _measure(contenders: Sequence[_Contender], size: int, rounds: int) -> None:
    taking_part = [
        contender for contender in contenders if contender.largest is None or size <= contender.largest
    ]
    job = day_of(size)
    query = day_of(size, "query") if size <= _LARGEST_QUERY else None
    with running_servers(job, query) as servers:
        for number in range(rounds):
            for contender in taking_part:
                print(f"{size:,} conversations, round {number + 1} of {rounds}: {contender.name}", flush=True)
                task = Task(servers.api_url, servers.s3_url, BUCKET, contender.source)
                if contender.is_again:
                    run_contender(contender.module, task)
                measured = run_contender(contender.module, task)
                _check(servers, job, measured)
                contender.runs.setdefault(size, []).append(measured)


def _check(servers: Servers, day: Day, measured: Measured) -> None:
    """The object must hold each conversation of the day, by its own footer; then it is removed."""
    url = f"{servers.s3_url}/{BUCKET}/{KEY}"
    end = urllib.request.Request(url, headers={"Range": f"bytes=-{_LARGEST_FOOTER}"})
    with urllib.request.urlopen(end) as answer:
        written = pq.read_metadata(io.BytesIO(answer.read())).num_rows
    if not written == measured.result.rows == day.conversations:
        raise AssertionError(
            f"{written} rows were written and {measured.result.rows} reported of {day.conversations}"
        )
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE")):
        pass


def _row(contender: _Contender, size: int, contenders: Sequence[_Contender]) -> dict[str, Any]:
    runs = contender.runs[size]
    tutorial = contenders[-1].runs.get(size)
    seconds = median(run.result.export.seconds for run in runs)
    whole = median(run.whole.seconds for run in runs)
    return {
        "conversations": size,
        "contender": contender.name,
        "export conv/s": size / seconds,
        "CPU µs/conv": median(run.result.export.cpu_seconds for run in runs) / size * 1e6,
        "process s": whole,
        "process CPU s": median(run.whole.cpu_seconds for run in runs),
        "peak MB": _megabytes(runs),
        "before export MB": max(run.result.idle_bytes for run in runs) / 1e6,
        "export vs tutorial": _times(tutorial, runs, lambda run: run.result.export.seconds),
        "CPU vs tutorial": _times(tutorial, runs, lambda run: run.result.export.cpu_seconds),
        "process vs tutorial": _times(tutorial, runs, lambda run: run.whole.seconds),
    }


def _times(
    others: Sequence[Measured] | None, runs: Sequence[Measured], seconds: Callable[[Measured], float]
) -> float | None:
    """How many times as fast, round by round, so that noise that lasts a round cancels out."""
    if others is None:
        return None
    return median(seconds(other) / seconds(run) for other, run in zip(others, runs, strict=True))


def _growth(ours: _Contender) -> list[dict[str, Any]]:
    steps = []
    sizes = sorted(ours.runs)
    for smaller, larger in pairwise(sizes):
        peaks = [_megabytes(ours.runs[size]) for size in (smaller, larger)]
        steps.append(
            {
                "from": smaller,
                "to": larger,
                "peak MB, from": peaks[0],
                "peak MB, to": peaks[1],
                "ratio": peaks[1] / peaks[0],
            }
        )
    return steps


def _megabytes(runs: Sequence[Measured]) -> float:
    return max(run.result.peak_bytes for run in runs) / 1e6
