"""dlt as its documentation has it (REST API source, filesystem destination): runs in an environment of its own.

The bulk job is submitted first, then its results are a resource with a cursor. Nested lists become tables of their own,
which is dlt's default; records are counted in the first of them.
"""

import tempfile

import dlt
from dlt.destinations import filesystem
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.rest_api import rest_api_source

from benchmarks.contenders.task import FOLDER, S3_LOGIN, Task, exporting, read_task

_JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB = {"interval": "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z", "startOfDayIntervalMatching": True}


def main() -> None:
    task = read_task()
    with exporting() as said, tempfile.TemporaryDirectory() as home:
        pipeline = dlt.pipeline(
            pipeline_name="genesys",
            pipelines_dir=home,
            destination=_lake(task),
            dataset_name=FOLDER.rpartition("/")[2],
        )
        pipeline.run(_conversations(task), loader_file_format="parquet", write_disposition="append")
        said["rows"] = pipeline.last_trace.last_normalize_info.row_counts["conversations"]


def _lake(task: Task) -> filesystem:
    credentials = {**S3_LOGIN, "endpoint_url": task.s3_url}
    return filesystem(bucket_url=f"s3://{task.bucket}/{FOLDER.rpartition('/')[0]}", credentials=credentials)


def _conversations(task: Task) -> object:
    api = RESTClient(base_url=task.api_url)
    token = api.post("/oauth/token", auth=("benchmark", "benchmark")).json()["access_token"]
    auth = BearerTokenAuth(token)
    job = api.post(_JOBS, json=_JOB, auth=auth).json()["jobId"]
    if api.get(f"{_JOBS}/{job}", auth=auth).json()["state"] != "FULFILLED":
        raise RuntimeError("The benchmarks' server answers with finished jobs only.")
    endpoint = {
        "path": f"{_JOBS}/{job}/results",
        "params": {"pageSize": 1000},
        "data_selector": "conversations",
        "paginator": {"type": "cursor", "cursor_path": "cursor", "cursor_param": "cursor"},
    }
    return rest_api_source(
        {
            "client": {"base_url": task.api_url, "auth": auth},
            "resources": [{"name": "conversations", "endpoint": endpoint}],
        }
    )


if __name__ == "__main__":
    main()
