"""Whole exports side by side: conversations per second, CPU, memory, requests, bytes. `python -m benchmarks end-to-end`.

Every measurement is a fresh process; the contenders take turns against the same two servers. What was written is
checked by its footers after every run.
"""

import io
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq

from benchmarks import report
from benchmarks.child import Measured, run_contender
from benchmarks.contenders.task import FOLDER, Task
from benchmarks.data import Day, day_of
from benchmarks.folders import ROOT
from benchmarks.servers import BUCKET, Servers, Traffic, running_servers

SIZES = (10_000, 50_000, 200_000)

_DLT = ROOT / ".venv" / "dlt" / "bin" / "python"
# With 200,000 conversations the tutorial needs about 9 GB of memory.
_LARGEST_FOR_LISTS_OF_DICTS = 50_000
_LARGEST_QUERY = 50_000
# 10,000 take it a minute, and the rest is the same again.
_LARGEST_FOR_DLT = 10_000
_LARGEST_FOOTER = 16 * 2**20


@dataclass
class _Contender:
    name: str
    module: str
    source: str = "job"
    largest: int | None = None
    """The largest day that it is given."""
    is_again: bool = False
    """Whether it finds the object of the contender before it."""
    is_slow: bool = False
    """Whether one turn is enough, as nothing is decided by it, and gzipped bodies."""
    folder: str = FOLDER
    """Where its conversations are."""
    python: str = sys.executable
    runs: list[tuple[Measured, Traffic]] = field(default_factory=list)

    def takes_part(self, day: Day, number: int) -> bool:
        return (self.largest is None or day.conversations <= self.largest) and not (
            self.is_slow and (number or day.is_plain)
        )


def run(
    sizes: Sequence[int] = SIZES,
    *,
    rounds: int = 3,
    quick: bool = False,
    tutorial_at_any_size: bool = False,
    docs: bool = False,
) -> list[dict[str, Any]]:
    """Measure, check, print and save.

    Args:
        sizes: conversations per day.
        rounds: turns per contender; one is enough above 100,000 conversations.
        quick: one turn, the smallest day.
        tutorial_at_any_size: run the tutorial where it needs about 9 GB, too.
        docs: put the tables into docs/benchmarks.md.

    Returns:
        One row per contender, size and kind of body.
    """
    if quick:
        sizes, rounds = sizes[:1], 1
    if not _DLT.exists():
        print("dlt is left out: `make bench-dlt` has it, in an environment of its own.", flush=True)
    costs: list[dict[str, Any]] = []
    ratios: list[dict[str, Any]] = []
    for size in sizes:
        for plain in (False, True):
            contenders = _contenders(tutorial_at_any_size)
            day = day_of(size, plain=plain)
            _measure(contenders, day, 1 if size > 100_000 else rounds)
            measured = [contender for contender in contenders if contender.runs]
            costs += [_costs(contender, day) for contender in measured]
            ratios += [_ratios(contender, measured, day) for contender in measured]
    tables = {
        "Whole exports, medians": costs,
        "The same, of the prototype's, round by round": ratios,
        "As the day grows": _growth(costs),
    }
    report.keep("end-to-end", tables, docs=docs)
    return costs


def _contenders(tutorial_at_any_size: bool) -> list[_Contender]:
    limit = None if tutorial_at_any_size else _LARGEST_FOR_LISTS_OF_DICTS
    contenders = [
        _Contender("prototype", "prototype"),
        _Contender("ours, export alone", "bare"),
        _Contender("ours, whole run", "ours"),
        _Contender("ours, whole run, pulled again", "ours", is_again=True),
        _Contender(
            "ours, by interactive query", "ours", source="query", largest=_LARGEST_QUERY, is_slow=True
        ),
        _Contender("typed script", "typed_script", is_slow=True),
        _Contender("tutorial", "tutorial", largest=limit, is_slow=True),
    ]
    if _DLT.exists():
        contenders.append(
            _Contender(
                "dlt",
                "dlt_pipeline",
                largest=_LARGEST_FOR_DLT,
                is_slow=True,
                folder=f"{FOLDER}/conversations",
                python=str(_DLT),
            )
        )
    return contenders


def _measure(contenders: Sequence[_Contender], day: Day, rounds: int) -> None:
    size, bodies = day.conversations, _bodies(day)
    query = day_of(size, "query") if size <= _LARGEST_QUERY and not day.is_plain else None
    with running_servers(day, query) as servers:
        for number in range(rounds):
            for contender in contenders:
                if not contender.takes_part(day, number):
                    continue
                print(f"{size:,} {bodies}, round {number + 1} of {rounds}: {contender.name}", flush=True)
                if not contender.is_again:
                    _empty(servers)
                before = servers.traffic()
                task = Task(servers.api_url, servers.s3_url, BUCKET, contender.source)
                measured = run_contender(contender.module, task, python=contender.python)
                contender.runs.append((measured, servers.traffic().since(before)))
                _check(servers, day, contender)


def _bodies(day: Day) -> str:
    return "plain" if day.is_plain else "gzip"


def _objects(servers: Servers, prefix: str = "") -> Iterator[str]:
    """Addresses of objects."""
    with urllib.request.urlopen(f"{servers.s3_url}/{BUCKET}?list-type=2&prefix={prefix}") as answer:
        keys = [key.text for key in ET.fromstring(answer.read()).iterfind(".//Key")]
    return (f"{servers.s3_url}/{BUCKET}/{key}" for key in keys)


def _empty(servers: Servers) -> None:
    for url in _objects(servers):
        with urllib.request.urlopen(urllib.request.Request(url, method="DELETE")):
            pass


def _check(servers: Servers, day: Day, contender: _Contender) -> None:
    """The objects must hold each conversation of the day, by their own footers."""
    written, reported = 0, contender.runs[-1][0].result.rows
    for url in _objects(servers, f"{contender.folder}/"):
        end = urllib.request.Request(url, headers={"Range": f"bytes=-{_LARGEST_FOOTER}"})
        with urllib.request.urlopen(end) as answer:
            written += pq.read_metadata(io.BytesIO(answer.read())).num_rows
    if not written == reported == day.conversations:
        raise AssertionError(f"{written} rows were written and {reported} reported of {day.conversations}")


def _costs(contender: _Contender, day: Day) -> dict[str, Any]:
    size, traffic = day.conversations, contender.runs[-1][1]
    return {
        "conversations": size,
        "bodies": _bodies(day),
        "contender": contender.name,
        "export conv/s": size / _median(contender, lambda run: run.result.export.seconds),
        "CPU µs/conv": _median(contender, lambda run: run.result.export.cpu_seconds) / size * 1e6,
        "process s": _median(contender, lambda run: run.whole.seconds),
        "process CPU s": _median(contender, lambda run: run.whole.cpu_seconds),
        "peak MB": max(run.peak_bytes for run, _ in contender.runs) / 1e6,
        "API requests": traffic.api_requests,
        "MB from API": traffic.api_sent / 1e6,
        "S3 requests": traffic.s3_requests,
        "MB to S3": traffic.s3_received / 1e6,
        "MB from S3": traffic.s3_sent / 1e6,
    }


def _ratios(contender: _Contender, others: Sequence[_Contender], day: Day) -> dict[str, Any]:
    def of(base: str, figure: Callable[[Measured], float]) -> float | None:
        """Round by round, so that noise that lasts a round cancels out."""
        runs = next(other.runs for other in others if other.name == base)
        return median(
            figure(own) / figure(other) for (own, _), (other, _) in zip(contender.runs, runs, strict=False)
        )

    is_again = contender.is_again
    return {
        "conversations": day.conversations,
        "bodies": _bodies(day),
        "contender": contender.name,
        "export's speed": of("prototype", lambda run: 1 / run.result.export.seconds),
        "export's CPU": of("prototype", lambda run: run.result.export.cpu_seconds),
        "process's time": of("prototype", lambda run: run.whole.seconds),
        "process's CPU": of("prototype", lambda run: run.whole.cpu_seconds),
        "time of a first pull's": of("ours, whole run", lambda run: run.whole.seconds) if is_again else None,
    }


def _median(contender: _Contender, figure: Callable[[Measured], float]) -> float:
    return median(figure(run) for run, _ in contender.runs)


def _growth(costs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in costs:
        if row["contender"].startswith(("ours, whole", "ours, export", "prototype")):
            by_name.setdefault((row["contender"], row["bodies"]), []).append(row)
    return [
        {
            "contender": name,
            "bodies": bodies,
            "from": smaller["conversations"],
            "to": larger["conversations"],
            "export's time": _seconds(larger) / _seconds(smaller),
            "process's time": larger["process s"] / smaller["process s"],
            "peak": larger["peak MB"] / smaller["peak MB"],
        }
        for (name, bodies), rows in by_name.items()
        for smaller, larger in pairwise(rows)
    ]


def _seconds(row: dict[str, Any]) -> float:
    return float(row["conversations"] / row["export conv/s"])
