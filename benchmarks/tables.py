"""The flat tables of a day side by side: seconds, CPU, peak memory. `python -m benchmarks tables`.

The day is exported once; then every measurement is a fresh process that reads it from S3 and writes tables to S3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.child import Measured, run_contender
from benchmarks.contenders.task import Task
from benchmarks.data import day_of
from benchmarks.servers import BUCKET, running_servers

SIZES = (10_000, 50_000, 200_000)

_LARGEST = ("segments", "session_metrics")
ALL = (
    "conversations",
    "participants",
    "sessions",
    "segments",
    "session_metrics",
    "participant_attributes",
    "evaluations",
    "surveys",
)
# With 200,000 conversations a script with Python objects needs some 15 GB of memory.
_LARGEST_FOR_OBJECTS = 50_000


@dataclass
class _Contender:
    name: str
    module: str
    tables: Sequence[str]
    largest: int | None = None
    runs: dict[int, list[Measured]] = field(default_factory=dict)


def run(sizes: Sequence[int] = SIZES, *, rounds: int = 3, quick: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save.

    Args:
        sizes: conversations per day.
        rounds: turns per contender; one is enough above 100,000 conversations.
        quick: one turn, the smallest day.

    Returns:
        One row per contender and size.
    """
    if quick:
        sizes, rounds = sizes[:1], 1
    contenders = [
        _Contender("ours, all eight tables", "tables", ALL),
        _Contender("ours, the two largest", "tables", _LARGEST),
        _Contender("script, the two largest", "tables_script", _LARGEST, _LARGEST_FOR_OBJECTS),
    ]
    for size in sizes:
        _measure(contenders, size, 1 if size > 100_000 else rounds)
    rows = [_row(each, size, contenders) for size in sizes for each in contenders if size in each.runs]
    report.show("Tables of one day (medians; from the run's start to the last commit)", rows)
    report.save("tables", rows)
    return rows


def _measure(contenders: Sequence[_Contender], size: int, rounds: int) -> None:
    with running_servers(day_of(size)) as servers:
        run_contender("ours", Task(servers.api_url, servers.s3_url, BUCKET))
        for number in range(rounds):
            for contender in contenders:
                if contender.largest is not None and size > contender.largest:
                    continue
                print(f"{size:,} conversations, round {number + 1} of {rounds}: {contender.name}", flush=True)
                task = Task(servers.api_url, servers.s3_url, BUCKET, tables=contender.tables)
                contender.runs.setdefault(size, []).append(run_contender(contender.module, task))
        _check(contenders[1:], size)


def _check(same: Sequence[_Contender], size: int) -> None:
    counts = {measured.result.rows for contender in same for measured in contender.runs.get(size, ())}
    if len(counts) != 1:
        raise AssertionError(f"the contenders wrote different numbers of rows: {sorted(counts)}")


def _row(contender: _Contender, size: int, contenders: Sequence[_Contender]) -> dict[str, Any]:
    runs, others = contender.runs[size], contenders[-1].runs.get(size)
    is_compared = contender.tables is _LARGEST and others is not None
    return {
        "conversations": size,
        "contender": contender.name,
        "rows": runs[0].result.rows,
        "seconds": median(run.result.export.seconds for run in runs),
        "CPU s": median(run.result.export.cpu_seconds for run in runs),
        "peak MB": max(run.result.peak_bytes for run in runs) / 1e6,
        "before MB": max(run.result.idle_bytes for run in runs) / 1e6,
        "vs script": median(
            other.result.export.seconds / own.result.export.seconds
            for other, own in zip(others or (), runs, strict=True)
        )
        if is_compared
        else None,
    }
