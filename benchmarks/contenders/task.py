"""What a contender is told, and what it reports."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.timing import Cost, measured, peak_memory

FOLDER = "benchmarks/conversation_details"
"""Where every contender writes; it is where our IO manager puts the asset under the prefix `benchmarks`."""

KEY = f"{FOLDER}/date=2026-01-05/data.parquet"
"""The day's object."""

S3_LOGIN: dict[str, Any] = {
    "aws_access_key_id": "benchmark",
    "aws_secret_access_key": "benchmark",
    "region_name": "us-east-1",
}


@dataclass(frozen=True)
class Task:
    api_url: str
    s3_url: str
    bucket: str
    source: str = "job"
    tables: Sequence[str] = ()
    """Which tables to make of a day that is in the lake."""

    def as_text(self) -> str:
        return json.dumps(dataclasses.asdict(self))


@dataclass(frozen=True)
class Result:
    """What only the process itself can know."""

    export: Cost
    """From the first request to the commit."""
    peak_bytes: int
    idle_bytes: int
    """The peak before the export: imports, and for us Dagster."""
    rows: int


def read_task() -> Task:
    return Task(**json.loads(sys.argv[1]))


@contextmanager
def exporting() -> Iterator[dict[str, Any]]:
    """Measure the block as the export, and report it; the block puts `rows` into the value."""
    idle = peak_memory()
    said: dict[str, Any] = {}
    with measured() as cost:
        yield said
    write_result(Result(export=cost, peak_bytes=peak_memory(), idle_bytes=idle, rows=said["rows"]))


def write_result(result: Result) -> None:
    """Report on the last line of stdout."""
    print(json.dumps(dataclasses.asdict(result)), flush=True)


def read_result(output: str) -> Result:
    said = json.loads(output.splitlines()[-1])
    return Result(**{**said, "export": Cost(**said["export"])})
