"""A Genesys Cloud API without delay: login, bulk jobs and the interactive query, answered from prebuilt bodies.

Run as `python -m benchmarks.genesys_server TIMES JOB_INDEX [QUERY_INDEX]`, index files of `benchmarks.data`: the day of
the job so many times over. A job about an earlier day brings the same conversations, moved. Every job is done at once,
every page size that is asked for is the prebuilt one.
"""

import json
import re
import sys
import time
import zlib
from datetime import date
from pathlib import Path

from benchmarks.data import AVAILABLE_UNTIL, DAY, GZIP, Day, open_day
from benchmarks.http_server import Reply, Request, serve
from benchmarks.moved import moved
from benchmarks.repeated import Repeated

REQUESTS_PATH = "/benchmarks/requests"
"""Not of the API: when which requests came."""

DETAILS = "/api/v2/analytics/conversations/details"
_JSON = {"Content-Type": "application/json"}


class GenesysApi:
    """Answers requests from the bodies of a day.

    Args:
        job: response bodies of the job's results.
        query: those of the query; None: the query tells how many the job has.
    """

    def __init__(self, job: Day | Repeated, query: Day | None) -> None:
        self._job = job
        self._query = query
        self._requests: list[tuple[float, str, str]] = []

    def __call__(self, request: Request) -> Reply:
        if request.path == REQUESTS_PATH:
            return json_reply(self._requests)
        self._requests.append((time.time(), request.method, request.path))
        if request.path == "/oauth/token":
            return json_reply({"access_token": "benchmark", "token_type": "bearer", "expires_in": 86_400})
        if request.path == f"{DETAILS}/query":
            if self._query is None:  # it announces what the job will have
                return json_reply({"totalHits": self._job.conversations})
            return _page(self._query, json.loads(bytes(request.body))["paging"]["pageNumber"] - 1)
        return self._jobs(request)

    def _jobs(self, request: Request) -> Reply:
        step = request.path.removeprefix(f"{DETAILS}/jobs")
        if step == "" and request.method == "POST":
            return json_reply({"jobId": json.loads(bytes(request.body))["interval"][:10]}, 202)
        if step == "/availability":
            return json_reply({"dataAvailabilityDate": f"{AVAILABLE_UNTIL:%Y-%m-%dT%H:%M:%S.000Z}"})
        if step.endswith("/results"):
            day = date.fromisoformat(step.split("/")[1])
            return _page(self._job, int(request.query.get("cursor", 0)), day)
        if re.fullmatch("/[^/]+", step):
            return Reply(status=204) if request.method == "DELETE" else json_reply({"state": "FULFILLED"})
        return json_reply(
            {"code": "not.found", "message": "The benchmarks do not need this.", "status": 404}, 404
        )


def _page(day: Day | Repeated | None, number: int, to: date = DAY) -> Reply:
    if day is None or number >= len(day):
        return json_reply({})
    if to != DAY:
        body = bytes(day.body(number))
        return Reply(moved(body if day.is_plain else zlib.decompress(body, wbits=GZIP), to), headers=_JSON)
    headers = _JSON if day.is_plain else {**_JSON, "Content-Encoding": "gzip"}
    return Reply(day.body(number), headers=headers)


def json_reply(content: object, status: int = 200) -> Reply:
    return Reply(json.dumps(content).encode(), status, _JSON)


def _main(times: str, job_index: str, query_index: str | None = None) -> None:
    job = open_day(Path(job_index))
    serve(
        GenesysApi(
            job if times == "1" else Repeated(job, int(times)),
            open_day(Path(query_index)) if query_index else None,
        )
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
