"""`dagster dev` as a child process, and the few GraphQL calls that the UI makes to launch a run."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.child import clean_environment
from benchmarks.folders import ROOT, folder

_START_SECONDS = 180.0
_STOP_SECONDS = 30.0

_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
_BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}
"""
_BACKFILL_STATUS = """
query Status($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }
"""
_STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_RUN_EVENTS = """
query Events($id: ID!) {
  logsForRun(runId: $id, limit: 1000) {
    ... on EventConnection { events { ... on MessageEvent { eventType timestamp } } }
  }
}
"""
_LOCATIONS = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""


class DagsterDev:
    """Webserver, daemon and code server of this project, until the block is left.

    Args:
        home: an empty folder for DAGSTER_HOME.
        variables: environment of all of them.
        module: the code location.
    """

    def __init__(
        self, home: Path, variables: Mapping[str, str], *, module: str = "genesys_dagster.definitions"
    ) -> None:
        self.log = folder("logs") / "dagster-dev.log"
        self.seconds_to_start = 0.0
        self._home = home
        self._module = module
        self._environment = clean_environment({**variables, "DAGSTER_HOME": str(home)})
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._repository: dict[str, str] = {}

    def __enter__(self) -> Self:
        shutil.copy(ROOT / "dagster.yaml", self._home)
        started = time.monotonic()
        command = [sys.executable, "-m", "dagster", "dev", "-m", self._module]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-p", str(self._port)],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_for_code_location(started + _START_SECONDS)
        except BaseException:
            self._stop()
            raise
        self.seconds_to_start = time.monotonic() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def launch(self, asset: str, partition: str) -> str:
        """Launch a run of one asset's partition; returns the run's id.

        Raises:
            RuntimeError: Dagster refused.
        """
        selector = {**self._repository, "pipelineName": "__ASSET_JOB", "assetSelection": [{"path": [asset]}]}
        params = {
            "selector": selector,
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        answer = self._ask(_LAUNCH, {"params": params})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise RuntimeError(f"The run was not launched: {answer}")
        return str(answer["run"]["runId"])

    def backfill(self, asset: str, partitions: Sequence[str], patience: float) -> None:
        """Launch a backfill and wait for its end.

        Raises:
            RuntimeError: Dagster refused, or the backfill failed.
            TimeoutError: it was not done in so many seconds.
        """
        params = {"assetSelection": [{"path": [asset]}], "partitionNames": list(partitions)}
        answer = self._ask(_BACKFILL, {"params": params})["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise RuntimeError(f"The backfill was not launched: {answer}")
        deadline, status = time.monotonic() + patience, ""
        while not status.startswith(("COMPLETED", "FAILED", "CANCELED")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"The backfill is still {status}: see {self.log}")
            time.sleep(0.5)
            found = self._ask(_BACKFILL_STATUS, {"id": answer["backfillId"]})
            status = found["partitionBackfillOrError"]["status"]
        if status != "COMPLETED_SUCCESS":
            raise RuntimeError(f"The backfill ended as {status}: see {self.log}")

    def status(self, run_id: str) -> str:
        return str(self._ask(_STATUS, {"id": run_id})["runOrError"]["status"])

    def events(self, run_id: str) -> list[tuple[str, float]]:
        """Types of a run's events and when they were (seconds since 1970)."""
        events = self._ask(_RUN_EVENTS, {"id": run_id})["logsForRun"]["events"]
        return [(event["eventType"], float(event["timestamp"]) / 1000) for event in events if event]

    def _wait_for_code_location(self, deadline: float) -> None:
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            try:
                nodes = self._ask(_LOCATIONS, {})["repositoriesOrError"].get("nodes")
            except (urllib.error.URLError, OSError):
                nodes = None
            if nodes:
                self._repository = {
                    "repositoryName": nodes[0]["name"],
                    "repositoryLocationName": nodes[0]["location"]["name"],
                }
                return
            time.sleep(0.25)
        raise RuntimeError(f"dagster dev did not come up: see {self.log}")

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = json.load(answer)
        if "errors" in content:
            raise RuntimeError(f"GraphQL: {content['errors']}")
        data: dict[str, Any] = content["data"]
        return data

    def _stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
