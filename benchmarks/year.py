"""A year's backfill, one run per day and one per month, and what of its time is Dagster's. `python -m benchmarks year`.

`dagster dev` against the benchmarks' servers, which answer without delay and without a limit. Some days are measured, by day, and
a month in one run; a year is multiplied from these. A day's share of Dagster is the time in which no step is under way:
noticing, queueing, processes that start, imports, what is between steps.
"""

import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks import report
from benchmarks.child import cpu_of_children
from benchmarks.dagster_dev import DagsterDev
from benchmarks.data import DAY, day_of
from benchmarks.servers import running_servers

_ASSET = "conversation_details"
_A_YEAR, _A_MONTH = 365, 31
_PATIENCE = 3_600.0


def run(
    *, days: int = 10, conversations: int = 5_000, quick: bool = False, docs: bool = False
) -> list[dict[str, Any]]:
    """Measure, print and save.

    Args:
        days: How many to measure with a run each.
        conversations: Per day.
        quick: Two days, and two in one run.
        docs: Put the table into docs/benchmarks.md.

    Returns:
        A row for each way.
    """
    ways = ((2, 1), (2, 2)) if quick else ((days, 1), (_A_MONTH, _A_MONTH))
    rows = [_row(count, per_run, conversations) for count, per_run in ways]
    report.keep("year", {f"A year of days of {conversations:,} conversations": rows}, docs=docs)
    return rows


def _row(count: int, per_run: int, conversations: int) -> dict[str, Any]:
    print(f"{count} days, {per_run} per run", flush=True)
    days = _days(count)
    with (
        running_servers(day_of(conversations)) as servers,
        tempfile.TemporaryDirectory(prefix="genesys-bench-") as home,
    ):
        settings = {"GENESYS_PARTITIONS_START": days[0].isoformat(), "GENESYS_DAYS_PER_RUN": str(per_run)}
        before = cpu_of_children()
        with DagsterDev(
            Path(home), {**servers.variables(), **settings}, module="benchmarks.unlimited"
        ) as dagster:
            started = time.monotonic()
            dagster.backfill(_ASSET, [day.isoformat() for day in days], _PATIENCE)
            seconds = time.monotonic() - started
        cpu = cpu_of_children() - before
        with dg.DagsterInstance.from_config(home) as instance:
            exports, checks, at_work, runs = _steps(instance)
    return {
        "days per run": per_run,
        "days measured": count,
        "runs": runs,
        "s per day": seconds / count,
        "export": exports / count,
        "checks": checks / count,
        "Dagster": (seconds - at_work) / count,
        "Dagster's share": (seconds - at_work) / seconds,
        "CPU s per day": cpu / count,
        "a year, hours": seconds / count * _A_YEAR / 3600,
    }


def _days(count: int) -> Sequence[date]:
    """Those before the one that is served, as which it is served, too."""
    return [DAY - timedelta(days=back) for back in range(count, 0, -1)]


def _steps(instance: dg.DagsterInstance) -> tuple[float, float, float, int]:
    """Seconds of exports, of checks, and in which any of them was under way; the number of runs."""
    runs = [run.run_id for run in instance.get_runs()]
    steps = [
        (step.step_key, step.start_time, step.end_time)
        for run in runs
        for step in instance.get_run_step_stats(run)
        if step.start_time and step.end_time
    ]
    exports = sum(end - start for name, start, end in steps if name == _ASSET)
    checks = sum(end - start for name, start, end in steps if name != _ASSET)
    return exports, checks, _covered([(start, end) for _, start, end in steps]), len(runs)


def _covered(spans: list[tuple[float, float]]) -> float:
    """How long at least one of them lasts."""
    covered, until = 0.0, 0.0
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered
