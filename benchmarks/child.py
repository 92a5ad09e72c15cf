"""One contender in a fresh process: what it took as a whole, and what it reports itself."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.contenders.task import Result, Task, read_result
from benchmarks.folders import ROOT, folder
from benchmarks.timing import Cost, resident_now

_OURS = ("AWS_", "GENESYS", "DAGSTER_")
_SAMPLE_SECONDS = 0.05


class KilledError(RuntimeError):
    """A contender was killed."""


@dataclass(frozen=True)
class Measured:
    whole: Cost
    """The process from start to end, imports included."""
    result: Result
    peak_bytes: int
    """The largest resident set of the process with those that it started."""


def run_contender(
    module: str,
    task: Task,
    *,
    python: str = sys.executable,
    under: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Measured:
    """Run `python -m benchmarks.contenders.MODULE`.

    Args:
        module: The contender.
        task: What it is told.
        python: The environment that it runs in.
        under: A command that runs it.
        variables: Of its environment.

    Raises:
        KilledError: the kernel killed it, as it does where a limit of memory is reached.
        RuntimeError: it failed; the message names its log.
    """
    log, output = (folder("logs") / f"{module}.{kind}" for kind in ("log", "out"))
    cpu, started = cpu_of_children(), time.perf_counter()
    with log.open("w") as messages, output.open("w") as said:
        process = subprocess.Popen(
            [*under, python, "-m", f"benchmarks.contenders.{module}", task.as_text()],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=messages,
            cwd=ROOT,
            env=clean_environment(variables),
        )
        peak = _peak_until_end(process)
    whole = Cost(time.perf_counter() - started, cpu_of_children() - cpu)
    if process.returncode == -signal.SIGKILL:
        raise KilledError(f"{module} was killed: see {log}")
    if process.returncode:
        raise RuntimeError(f"{module} failed ({process.returncode}): see {log}")
    result = read_result(output.read_text())
    return Measured(whole, result, max(peak, result.peak_bytes))


def _peak_until_end(process: subprocess.Popen[bytes]) -> int:
    peak = 0
    while True:
        peak = max(peak, resident_now(process.pid))
        try:
            process.wait(_SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return peak


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings that would change a measurement, and with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "DAGSTER_DISABLE_TELEMETRY": "1", "AWS_EC2_METADATA_DISABLED": "true", **variables}


def cpu_of_children() -> float:
    """CPU seconds of children that have ended and were waited for: servers, which go on, are not among them."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
