"""One contender in a fresh process: what it took as a whole, and what it reports itself."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.contenders.task import Result, Task, read_result
from benchmarks.folders import ROOT, folder
from benchmarks.timing import Cost

_OURS = ("AWS_", "GENESYS", "DAGSTER_")


@dataclass(frozen=True)
class Measured:
    whole: Cost
    """The process from start to end, imports included."""
    result: Result


def run_contender(module: str, task: Task) -> Measured:
    """Run `python -m benchmarks.contenders.MODULE`.

    Raises:
        RuntimeError: it failed; the message names its log.
    """
    log = folder("logs") / f"{module}.log"
    cpu, started = _cpu_of_children(), time.perf_counter()
    with log.open("w") as messages:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.contenders.{module}", task.as_text()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            cwd=ROOT,
            env=clean_environment({}),
            check=False,
        )
    whole = Cost(time.perf_counter() - started, _cpu_of_children() - cpu)
    if done.returncode:
        raise RuntimeError(f"{module} failed: see {log}")
    return Measured(whole, read_result(done.stdout))


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings that would change a measurement, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "DAGSTER_DISABLE_TELEMETRY": "1", "AWS_EC2_METADATA_DISABLED": "true", **variables}


def _cpu_of_children() -> float:
    # Only children that have ended and were waited for: the servers, which go on, are not among them.
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
