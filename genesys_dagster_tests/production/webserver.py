"""What a user does in the UI, by the webserver's GraphQL."""

import json
import urllib.error
import urllib.request

_READY = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
_BACKFILL = """
mutation Backfill($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
_SENSOR = """
mutation Start($selector: SensorSelector!) {
  startSensor(sensorSelector: $selector) { __typename ... on PythonError { message } }
}"""
_TICKS = """
query Ticks($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor {
  sensorState { ticks { status runIds skipReason error { message } } }
} } }"""
# As deploy/workspace.yaml and Dagster name them.
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "genesys_dagster"}
_STATUS = "query Status($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
_RUNS = "query Runs($filter: RunsFilter) { runsOrError(filter: $filter) { ... on Runs { results { runId status jobName tags { key value } } } } }"
_EVENTS = """
query Events($id: ID!) { logsForRun(runId: $id, limit: 1000) { ... on EventConnection { events {
  ... on MessageEvent { eventType message }
  ... on ErrorEvent { error { message } }
} } } }"""
_PARTITIONS = """
query Partitions($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionStats { numMaterialized numFailed numMaterializing numPartitions }
} } }"""
_SLOTS = """
query Slots($key: String!) { instance { concurrencyLimit(concurrencyKey: $key) {
  slotCount activeSlotCount claimedSlots { runId } pendingStepCount
} } }"""


class Webserver:
    """The webserver.

    Args:
        port: Where it listens on localhost.
    """

    def __init__(self, port):
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        # After Postgres was away each of its three pools of connections fails once, and is new: a user reloads the page.
        for left in range(0 if query.lstrip().startswith("mutation") else 3, -1, -1):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    content = json.load(answer)
                break
            except urllib.error.HTTPError:
                if not left:
                    raise
        assert "errors" not in content, content["errors"]
        return content["data"]

    def is_ready(self):
        try:
            entries = self.ask(_READY)["workspaceOrError"]["locationEntries"]
        except (urllib.error.URLError, OSError):
            return False
        return [entry["locationOrLoadError"] for entry in entries] == [{"__typename": "RepositoryLocation"}]

    def backfill(self, asset, partitions):
        params = {"assetSelection": [{"path": [asset]}], "partitionNames": list(map(str, partitions))}
        answer = self.ask(_BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def backfill_status(self, backfill):
        return self.ask(_STATUS, id=backfill)["partitionBackfillOrError"]["status"]

    def launch(self, asset, partition):
        """A run of one partition; returns its id."""
        selector = {**REPOSITORY, "pipelineName": "__ASSET_JOB", "assetSelection": [{"path": [asset]}]}
        tags = [{"key": "dagster/partition", "value": str(partition)}] if partition else []
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        answer = self.ask(_LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def start_sensor(self, name):
        answer = self.ask(_SENSOR, selector={**REPOSITORY, "sensorName": name})["startSensor"]
        assert answer["__typename"] == "Sensor", answer

    def ticks(self, name):
        found = self.ask(_TICKS, selector={**REPOSITORY, "sensorName": name})["sensorOrError"]
        return found["sensorState"]["ticks"]

    def status(self, run_id):
        (run,) = self.runs(runIds=[run_id])
        return run["status"]

    def runs(self, **wanted):
        """Runs, latest first: `runId`, `status`, `jobName` and `tags`, a dict."""
        results = self.ask(_RUNS, filter=wanted)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in results]

    def words(self, run_id):
        """All that a run's log says, errors included."""
        events = self.ask(_EVENTS, id=run_id)["logsForRun"]["events"]
        errors = [event["error"]["message"] for event in events if event.get("error")]
        return "\n".join([*(event.get("message") or "" for event in events), *errors])

    def materialized(self, asset):
        """How many partitions of an asset the UI shows as there, and as failed."""
        stats = self.ask(_PARTITIONS, key={"path": [asset]})["assetNodeOrError"]["partitionStats"]
        return stats["numMaterialized"], stats["numFailed"]

    def slots(self, pool):
        return self.ask(_SLOTS, key=pool)["instance"]["concurrencyLimit"]
