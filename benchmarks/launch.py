"""A one-partition run launched as the UI does it: from the click to the first request, and to the end.

`python -m benchmarks launch` starts `dagster dev` with this project's `dagster.yaml` in a folder of its own, against
the benchmarks' servers, and launches runs over GraphQL.
"""

import json
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.dagster_dev import DagsterDev
from benchmarks.data import DAY, day_of
from benchmarks.genesys_server import REQUESTS_PATH
from benchmarks.servers import Servers, running_servers

_CONVERSATIONS = 10_000
_PATIENCE = 180.0

# Dagster's events, and what has happened by then.
_EVENTS = {
    "RUN_ENQUEUED": "queued",
    "RUN_DEQUEUED": "taken from the queue by the daemon",
    "RUN_STARTING": "process asked for",
    "RUN_START": "process up, run started",
    "STEP_START": "step started",
    "RUN_SUCCESS": "run ended",
}


def run(*, rounds: int = 3) -> list[dict[str, Any]]:
    """Measure, print and save; returns one row per piece of the way, in order."""
    day = day_of(_CONVERSATIONS)
    with (
        running_servers(day) as servers,
        tempfile.TemporaryDirectory(prefix="genesys-bench-") as home,
        DagsterDev(Path(home), servers.variables()) as dagster,
    ):
        print(f"dagster dev answers after {dagster.seconds_to_start:.1f} s", flush=True)
        launches = [_launch(dagster, servers) for _ in range(rounds)]
    rows = _rows(launches)
    report.show(
        f"A run of one partition ({_CONVERSATIONS:,} conversations) launched in the UI, seconds", rows
    )
    report.save("launch", {"seconds_to_start": dagster.seconds_to_start, "pieces": rows})
    return rows


def _launch(dagster: DagsterDev, servers: Servers) -> dict[str, float]:
    """Seconds from the launch to each point on the way."""
    already = len(_requests(servers))
    launched = time.time()
    run_id = dagster.launch("conversation_details", DAY.isoformat())
    points = {"launch answered": time.time() - launched}
    deadline = launched + _PATIENCE
    while (status := dagster.status(run_id)) not in {"SUCCESS", "FAILURE", "CANCELED"}:
        if time.time() > deadline:
            raise TimeoutError(f"The run is still {status} after {_PATIENCE:.0f} s: see {dagster.log}")
        time.sleep(0.2)
    if status != "SUCCESS":
        raise RuntimeError(f"The run ended as {status}: see {dagster.log}")
    for kind, at in dagster.events(run_id):
        if kind in _EVENTS:
            points.setdefault(_EVENTS[kind], at - launched)  # of several steps the first
    points["first request at the API"] = _requests(servers)[already][0] - launched
    return dict(sorted(points.items(), key=lambda point: point[1]))


def _requests(servers: Servers) -> list[tuple[float, str, str]]:
    with urllib.request.urlopen(servers.api_url + REQUESTS_PATH) as answer:
        return [(at, method, path) for at, method, path in json.load(answer)]


def _rows(launches: list[dict[str, float]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    before = 0.0
    for name in launches[0]:
        at = median(points[name] for points in launches)
        rows.append({"point": name, "since launch": at, "piece": at - before})
        before = at
    return rows
