"""A pull and a re-pull in a control group with a limit of memory, as a pod has it. `python -m benchmarks memory`.

Needs root. What a group uses includes the files of libraries that nobody read before it, which the kernel lets go of
when room is needed; the resident set includes all that are used.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks import report
from benchmarks.cgroup import limited
from benchmarks.child import KilledError, run_contender
from benchmarks.contenders.task import Task
from benchmarks.data import day_of
from benchmarks.servers import BUCKET, Servers, running_servers

SIZES = (200_000, 1_000_000)

_LARGEST_DAY = 200_000
"""More conversations are this day several times over."""


def run(
    sizes: Sequence[int] = SIZES, *, limit: int = 512, quick: bool = False, docs: bool = False
) -> list[dict[str, Any]]:
    """Measure, print and save.

    Args:
        sizes: Conversations per day; above 200,000, multiples of it.
        limit: In MiB.
        quick: 10,000 conversations.
        docs: Put the table into docs/benchmarks.md.

    Returns:
        One row per size and pull, which was killed where the limit is too low.
    """
    rows = []
    for size in (10_000,) if quick else sizes:
        times = -(-size // _LARGEST_DAY)
        with running_servers(day_of(size // times), times=times) as servers:
            for pull in ("first", "again"):
                print(f"{size:,} conversations in {limit} MiB: {pull}", flush=True)
                try:
                    rows.append(_row(servers, size, limit, pull))
                except PermissionError as error:
                    print(error)
                    return []
    report.keep("memory", {f"In a control group of {limit} MiB": rows}, docs=docs)
    return rows


def _row(servers: Servers, size: int, limit: int, pull: str) -> dict[str, Any]:
    with limited(limit) as group:
        task = Task(servers.api_url, servers.s3_url, BUCKET)
        try:
            measured = run_contender("ours", task, under=group.under)
        except KilledError:
            measured = None
        if measured and measured.result.rows != size:
            raise AssertionError(f"{measured.result.rows:,} of {size:,} conversations were written")
        return {
            "conversations": size,
            "pull": pull,
            "ended": "whole" if measured else "killed",
            "process s": measured and measured.whole.seconds,
            "process CPU s": measured and measured.whole.cpu_seconds,
            "export conv/s": measured and size / measured.result.export.seconds,
            "peak MB": measured and measured.peak_bytes / 1e6,
            "group's peak MB": group.peak / 1e6,
        }
