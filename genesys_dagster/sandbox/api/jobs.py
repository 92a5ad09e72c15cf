"""`/api/v2/analytics/…/details/jobs`: bulk queries that run on the data lake, of conversations and of users' status.

States and dates as in SDK 269 models/async_query_status.py. A job knows the org only up to the lake's watermark, of
which each family of jobs has its own; one that asks for more succeeds all the same, with rows missing and nothing to show for it
(laggyzee/genesys-mcp _availability.py tells of such an incident). Largest page and lifetime of results are
not documented; that the families share the limit of concurrent jobs is a guess from its name.
"""

import secrets
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zlib import crc32

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.cursors import make_cursor, read_cursor
from genesys_dagster.sandbox.api.errors import ApiError, bad_request, too_many_jobs
from genesys_dagster.sandbox.api.exchange import (
    accepts_gzip,
    json_body,
    json_response,
    page_response,
)
from genesys_dagster.sandbox.api.filters import Json
from genesys_dagster.sandbox.api.pages import compress, page_key, record_bodies
from genesys_dagster.sandbox.api.query import PERMISSIONS, check_size
from genesys_dagster.sandbox.api.question import whole_number
from genesys_dagster.sandbox.api.selection import Query
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.rows import Row
from genesys_dagster.sandbox.times import from_datetime, iso, to_datetime

_FINAL = ("FULFILLED", "FAILED", "CANCELLED", "EXPIRED")


@dataclass(frozen=True)
class Family:
    """Jobs of a kind.

    Attributes:
        name: What stands in their path.
        array: Where the rows are in their results.
        permissions: Any of them is needed.
        watermark: What their data lake knows (ms).
        parse: Reads a question from a request body.
        find: The rows that answer a question at a moment (ms).
        encode: Makes JSON of rows as they stand at a moment (ms).
        key: What identifies the rows' content, None if it is not to be remembered.
    """

    name: str
    array: str
    permissions: tuple[str, ...]
    watermark: Callable[[State], int]
    parse: Callable[[Json], Any]
    find: Callable[[State, Any, int], list[Any]]
    encode: Callable[[State, list[Any], int], list[bytes]]
    key: Callable[[list[Any], int], Hashable | None]


@dataclass
class Job:
    """A submitted job.

    Attributes:
        family: Its kind.
        question: What it selects.
        limit: Most rows it returns, None for all.
        submitted: When (ms, org's clock).
        ready: The clock's second at which it is done.
        delay: How long it takes (s).
        watermark: What the data lake knew then (ms).
        rows: Its result, once asked for.
    """

    family: Family
    question: Any
    limit: int | None
    submitted: int
    ready: float
    delay: float
    watermark: int
    rows: list[Any] | None = field(default=None, repr=False)

    def state(self, state: State) -> str:
        """The job's state now."""
        left = self.ready - state.settings.clock()
        if left > 0:
            return "QUEUED" if left > self.delay * 2 / 3 else "PENDING"
        if state.settings.faults.job_state:
            return state.settings.faults.job_state
        return "EXPIRED" if state.now >= self.expires(state) else "FULFILLED"

    def completed(self) -> int:
        """When it was done (ms)."""
        return self.submitted + int(self.delay * 1000)

    def expires(self, state: State) -> int:
        """When its results can no longer be read (ms)."""
        return self.completed() + from_datetime(to_datetime(0) + state.settings.job_lifetime)


def job_routes(family: Family) -> list[Route]:
    """The endpoints of a family of jobs."""
    path = f"/api/v2/analytics/{family.name}/details/jobs"

    async def submit(request: Request) -> Response:
        return await _submit(request, family)

    async def availability(request: Request) -> Response:
        state = state_of(request)
        state.require(family.permissions[0])
        # Everything before it is in the data lake (SDK 269 models/data_availability_response.py).
        return json_response({"dataAvailabilityDate": iso(family.watermark(state))})

    def of_job(answer: Callable[[Request, State, Job], Awaitable[Response]], path: str, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            state = state_of(request)
            state.require(*family.permissions)
            job: Job | None = state.jobs.get(request.path_params["job_id"])
            if job is None or job.family is not family or state.settings.faults.forgets_job():
                raise ApiError("not.found")
            return await answer(request, state, job)

        return Route(path, endpoint, methods=[method])

    return [
        Route(path, submit, methods=["POST"]),
        Route(f"{path}/availability", availability, methods=["GET"]),
        of_job(_status, f"{path}/{{job_id}}", "GET"),
        of_job(_delete, f"{path}/{{job_id}}", "DELETE"),
        of_job(_results, f"{path}/{{job_id}}/results", "GET"),
    ]


async def _submit(request: Request, family: Family) -> Response:
    """Accept a job. Every submission makes a new one: there is no way to list or recognise jobs."""
    state = state_of(request)
    state.require(*family.permissions)
    body = await json_body(request)
    question = family.parse(body)
    limit = whole_number(body["limit"], "limit") if body.get("limit") is not None else None
    _check_room(state)
    delay = state.settings.job_delay
    job_id = str(UUID(bytes=secrets.token_bytes(16), version=4))
    ready = state.settings.clock() + delay
    state.jobs[job_id] = Job(family, question, limit, state.now, ready, delay, family.watermark(state))
    return json_response({"jobId": job_id}, 202)


def _check_room(state: State) -> None:
    allowed = state.settings.concurrent_jobs
    under_way = sum(job.state(state) not in _FINAL for job in state.jobs.values())
    if allowed is not None and under_way >= allowed:
        raise too_many_jobs(allowed)


async def _status(_: Request, state: State, job: Job) -> Response:
    """Tell a job's state: 202 while it runs, 200 afterwards."""
    job_state = job.state(state)
    answer: Json = {"state": job_state, "submissionDate": iso(job.submitted)}
    if job_state in _FINAL:
        answer["completionDate"] = iso(job.completed())
        answer["expirationDate"] = iso(job.expires(state))
    if job_state == "FAILED":
        answer["errorMessage"] = state.settings.faults.job_error
    return json_response(answer, 200 if job_state in _FINAL else 202)


async def _results(request: Request, state: State, job: Job) -> Response:
    """One page of a fulfilled job's rows."""
    job_state = job.state(state)
    if job_state == "EXPIRED":
        raise ApiError("not.found")
    if job_state != "FULFILLED":
        raise bad_request(f"The job has no results: it is {job_state}.")
    wish = request.query_params.get("pageSize")
    size = whole_number(wish, "pageSize") if wish is not None else state.settings.job_page_size
    cursor = request.query_params.get("cursor")
    return await run_in_threadpool(
        _results_page,
        state,
        job,
        min(size, state.settings.max_job_page_size),
        cursor,
        gzip=accepts_gzip(request),
    )


async def _delete(request: Request, state: State, _: Job) -> Response:
    """Cancel or forget a job."""
    del state.jobs[request.path_params["job_id"]]
    return Response(status_code=204)


def _results_page(state: State, job: Job, size: int, cursor: str | None, *, gzip: bool) -> Response:
    family, faults = job.family, state.settings.faults
    if job.rows is None:
        job.rows = family.find(state, job.question, job.watermark)[: job.limit]
    # The same question has the same cursors, so that finished pages serve all its jobs.
    scope = crc32(repr((family.name, job.question, job.limit, job.watermark)).encode())
    offset = read_cursor(scope, cursor) if cursor else 0
    rows = job.rows[offset : offset + size]
    following = offset + max(1, size - faults.duplicates)
    tail: Json = {"dataAvailabilityDate": iso(job.watermark)}
    if faults.repeat_cursor:
        tail["cursor"] = make_cursor(scope, 0)
    elif following < len(job.rows):
        tail["cursor"] = make_cursor(scope, following)
    last = msgspec.json.encode(tail)

    def make() -> bytes:
        bodies = family.encode(state, rows, job.watermark)
        page = b'{"%s":[%s],%s' % (family.array.encode(), b",".join(bodies), last[1:]) if bodies else last
        check_size(state, page)
        return compress(page) if gzip else page

    switches = (faults.unknown_fields, faults.unknown_enums, state.settings.max_response_bytes)
    content = family.key(rows, job.watermark)
    key = None if content is None else (content, "job", last, gzip, switches)
    return page_response(state.pages.get_or_make(key, make), gzipped=gzip)


def _find_conversations(state: State, question: Query, as_of: int) -> list[Row]:
    return state.selector.rows(question, as_of)


def _encode_conversations(state: State, rows: list[Row], as_of: int) -> list[bytes]:
    return record_bodies(state.org, rows, as_of, state.settings.faults, attributes=True)


CONVERSATIONS = Family(
    "conversations",
    "conversations",
    PERMISSIONS,
    lambda state: state.watermark,
    lambda body: Query.parse(body, overlap=body.get("startOfDayIntervalMatching") is not True),
    _find_conversations,
    _encode_conversations,
    page_key,
)
routes = job_routes(CONVERSATIONS)
