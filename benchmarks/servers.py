"""The two servers of a measurement, each a process of its own on 127.0.0.1, always stopped."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.data import Day, index_of
from benchmarks.folders import ROOT

BUCKET = "benchmarks"


@dataclass(frozen=True)
class Servers:
    api_url: str
    s3_url: str


@contextmanager
def running_servers(job: Day, query: Day | None = None) -> Iterator[Servers]:
    """Start a Genesys API that serves a day, and an empty S3."""
    indexes = [str(index_of(day)) for day in (job, query) if day]
    with ExitStack() as stack:
        api_url = stack.enter_context(server("benchmarks.genesys_server", *indexes))
        s3_url = stack.enter_context(server("benchmarks.s3_server"))
        yield Servers(api_url, s3_url)


@contextmanager
def server(module: str, *arguments: str) -> Iterator[str]:
    """Start `python -m MODULE ARGUMENTS`, a server that writes its port to stdout; returns its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        if not port:
            raise RuntimeError(f"{module} did not start: see its message above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
