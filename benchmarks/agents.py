"""A day of agents' time, step by step: seconds, requests, rows, peak memory. `python -m benchmarks agents`.

The org is the sandbox in a process of its own; the first pull makes its day, so it is not measured. Each size of org is a
fresh process that runs the assets as Dagster does.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import report
from benchmarks.child import clean_environment
from benchmarks.folders import ROOT
from benchmarks.timing import peak_memory

SIZES = (500, 5_000)
STEPS = (
    ("user_presence", "user_routing_status", "late_user_status"),
    ("agent_status",),
    ("agent_status_daily",),
)


def run(sizes: Sequence[int] = SIZES, *, quick: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save.

    Args:
        sizes: Agents of the org.
        quick: The smallest org only.

    Returns:
        One row per org and step.
    """
    rows = [row for agents in (sizes[:1] if quick else sizes) for row in _measured(agents)]
    report.show("A day of agents' time", rows)
    report.save("agents", rows)
    return rows


def _measured(agents: int) -> list[dict[str, Any]]:
    print(f"{agents:,} agents", flush=True)
    with _org(agents) as variables:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.agents", str(agents)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=clean_environment(variables),
            check=True,
        )
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def _org(agents: int) -> Iterator[dict[str, str]]:
    """An org and an S3, as `python -m genesys_dagster.sandbox` serves them, and the variables to use them with."""
    options = (
        f"--agents {agents} --s3-port 0 --job-delay 0 --user-availability-lag 1 --requests-per-minute 100000"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "genesys_dagster.sandbox", *options.split()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        variables: dict[str, str] = {}
        while process.stdout and "GENESYS_S3_BUCKET" not in variables:
            name, _, value = process.stdout.readline().strip().partition("=")
            variables[name] = value
        yield variables
    finally:
        process.terminate()
        process.wait()


def _child(agents: int) -> None:
    import dagster as dg

    from genesys_dagster.definitions import build_definitions

    day = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    job = build_definitions().resolve_implicit_global_asset_job_def()
    rows: list[dict[str, Any]] = []
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("users")])
        for names in (STEPS[0], *STEPS):
            started = time.perf_counter()
            done = job.execute_in_process(
                partition_key=day, instance=instance, asset_selection=[dg.AssetKey(name) for name in names]
            )
            seconds = time.perf_counter() - started
            said = [event.materialization.metadata for event in done.get_asset_materialization_events()]
            rows.append(
                {
                    "agents": agents,
                    "step": ", ".join(names),
                    "s": round(seconds, 2),
                    "requests": max(
                        int(each["api_requests"].value) if "api_requests" in each else 0 for each in said
                    ),  # type: ignore[arg-type]
                    "rows": sum(int(each["dagster/partition_row_count"].value) for each in said),  # type: ignore[arg-type]
                    "peak MB": peak_memory() // 2**20,
                }
            )
    print(json.dumps(rows[1:]))


if __name__ == "__main__":
    os.environ.setdefault("GENESYS_PARTITIONS_START", "2026-01-01")
    _child(int(sys.argv[1]))
