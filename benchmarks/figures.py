"""What is made of a day, step by step: tables, figures, and a report of 30 days. `python -m benchmarks figures`.

Each step is a fresh process that runs the assets as Dagster does. The day's figures are copied to 90 days, of which the
report needs 60 (30, and as many to compare with); what it reads is counted by the S3 server.
"""

import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from benchmarks import report
from benchmarks.child import run_contender
from benchmarks.contenders.task import Task
from benchmarks.data import DAY, day_of
from benchmarks.servers import BUCKET, Servers, running_servers
from benchmarks.tables import ALL

SIZES = (50_000, 200_000)

_FIGURES = ("queue_performance", "agent_performance")
_DAYS = 90
_SETTINGS = {
    "GENESYS_PARTITIONS_START": (DAY - timedelta(days=_DAYS)).isoformat(),
    "GENESYS_S3_PREFIX": "benchmarks",
}
_STEPS: dict[str, tuple[str, Sequence[str]]] = {
    "export": ("ours", ()),
    "tables, all eight": ("tables", ALL),
    "figures": ("tables", _FIGURES),
    "report of 30 days": ("tables", ("contact_center_report",)),
}


def run(sizes: Sequence[int] = SIZES, *, quick: bool = False, docs: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save; one row per size and step."""
    rows = [row for size in ((10_000,) if quick else sizes) for row in _rows(size)]
    report.keep("figures", {"What is made of a day": rows}, docs=docs)
    return rows


def _rows(size: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with running_servers(day_of(size)) as servers:
        for step, (module, assets) in _STEPS.items():
            print(f"{size:,} conversations: {step}", flush=True)
            if step.startswith("report"):
                _copy_figures(servers)
            before = servers.traffic()
            task = Task(servers.api_url, servers.s3_url, BUCKET, tables=assets)
            measured = run_contender(module, task, variables={**servers.variables(), **_SETTINGS})
            traffic = servers.traffic().since(before)
            rows.append(
                {
                    "conversations": size,
                    "step": step,
                    "process s": measured.whole.seconds,
                    "process CPU s": measured.whole.cpu_seconds,
                    "peak MB": measured.peak_bytes / 1e6,
                    "MB from S3": traffic.s3_sent / 1e6,
                    "MB to S3": traffic.s3_received / 1e6,
                    "of the export's": measured.whole.seconds / rows[0]["process s"] if rows else 1.0,
                }
            )
    return rows


def _copy_figures(servers: Servers) -> None:
    for name in _FIGURES:
        url = f"{servers.s3_url}/{BUCKET}/benchmarks/{name}/date={{}}/data.parquet"
        with urllib.request.urlopen(url.format(DAY)) as answer:
            body = answer.read()
            said = {key: value for key, value in answer.headers.items() if key.startswith("x-amz-meta-")}
        for back in range(1, _DAYS):
            to = url.format(DAY - timedelta(days=back))
            with urllib.request.urlopen(urllib.request.Request(to, body, said, method="PUT")):
                pass
