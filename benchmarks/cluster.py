"""A month's backfill by one and by two Celery workers, on the deployment of `make test-production`.

`python -m benchmarks cluster`, after `make test-production` has installed the programs of a deployment.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.folders import ROOT
from genesys_dagster_tests.production.cluster import Cluster
from genesys_dagster_tests.production.lake import refused
from genesys_dagster_tests.production.processes import wait_until

_ASSET = "conversation_details"


def run(*, days: int = 30) -> list[dict[str, Any]]:
    """Measure, print and save; returns a row for each number of workers."""
    rows = [_backfill(workers, days) for workers in (1, 2)]
    report.show(f"A backfill of {days} days, one run each, in the UI", rows)
    report.save("cluster", rows)
    return rows


def _backfill(workers: int, days: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="genesys-bench-") as home:
        Path(home).chmod(0o755)  # Postgres is another user
        programs = ROOT / ".venv" / "production" / "bin"
        with Cluster(home, programs, workers=workers, pool=workers, days=days) as cluster:
            started = time.monotonic()
            cluster.web.backfill(_ASSET, cluster.days)
            wait_until(lambda: cluster.web.materialized(_ASSET)[0] == days, "all days are there", 1_800)
            return {
                "workers": workers,
                "seconds": time.monotonic() - started,
                "requests": len(cluster.sandbox.requests),
                "429s": refused(cluster),
            }
