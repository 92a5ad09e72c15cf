"""Genesys Cloud's analytics as far as an export needs it: which request is which place, and the right answer to it.

Independent of the package and of its sandbox: two that share a misunderstanding would agree.
"""

import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from genesys_dagster_tests.reliability import org as orgs

JOBS = "/api/v2/analytics/conversations/details/jobs"
QUERY = "/api/v2/analytics/conversations/details/query"
TOKEN = "/oauth/token"
FIRST, MIDDLE = 1, 3


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    params: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def of(cls, method: str, target: str, content: bytes) -> "Request":
        parts = urlsplit(target)
        params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = json.loads(content) if content[:1] == b"{" else {}
        return cls(method, parts.path, params, body)


@dataclass
class Answer:
    """What goes back over the wire, and how: a fault changes any of it.

    Attributes:
        said: The JSON body; `raw` takes its place if it is set.
        cut: Body bytes after which the connection is reset.
        stall: Body bytes after which nothing comes any more.
        silent: Nothing comes at all.
        reset: The connection is reset before the answer.
    """

    status: int = 200
    said: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: int | None = None
    silent: bool = False
    reset: bool = False
    gzip: bool = True

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.said is None else json.dumps(self.said, ensure_ascii=False).encode()


def refusal(status: int, code: str, message: str) -> Answer:
    said = {
        "status": status,
        "code": code,
        "message": message,
        "contextId": "c0ffee00-0000-4000-8000-000000000001",
    }
    return Answer(status, said)


@dataclass
class Job:
    body: dict[str, Any]
    polls: int = 0
    deleted: bool = False


class Api:
    """Answers requests truly, from an `Org`.

    Attributes:
        org: What there is; may be replaced and changed.
        jobs: Every job ever submitted.
        vanished: Records that were deleted while they were read.
        appeared: Records that came while others were read.
    """

    def __init__(self) -> None:
        self.org = orgs.now()
        self.jobs: dict[str, Job] = {}
        self.tells_availability = True
        self.vanished: list[orgs.Record] = []
        self.appeared: list[orgs.Record] = []
        self._lock = threading.Lock()
        self._token = 0

    def reset(self) -> None:
        self.org = orgs.now()
        self.jobs.clear()
        self.tells_availability = True
        self.vanished, self.appeared = [], []

    def left(self) -> list[str]:
        """Jobs that nobody deleted."""
        return [name for name, job in self.jobs.items() if not job.deleted]

    def place(self, request: Request) -> str:
        """Where in an export a request stands: `token`, `query.first`, `results.last`, `poll`, …."""
        path = request.path
        if path == TOKEN:
            return "token"
        if path == f"{JOBS}/availability":
            return "availability"
        if path == QUERY:
            paging = request.body.get("paging", {})
            return (
                "count"
                if paging.get("pageSize") == 1
                else f"query.{self._where(paging.get('pageNumber', 1))}"
            )
        if path == JOBS:
            return "submit"
        if path.endswith("/results"):
            return f"results.{self._where(_page_of(request))}"
        return "delete" if request.method == "DELETE" else "poll" if path.startswith(JOBS) else "other"

    def _where(self, number: int) -> str:
        last = -(-orgs.CONVERSATIONS // orgs.PAGE)
        return {FIRST: "first", MIDDLE: "middle", last: "last"}.get(number, "other")

    def answer(self, request: Request) -> Answer:
        with self._lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        path = request.path
        if path == TOKEN:
            self._token += 1
            return Answer(
                said={"access_token": f"token-{self._token}", "expires_in": 86_400, "token_type": "bearer"}
            )
        if path == f"{JOBS}/availability":
            return Answer(said={"dataAvailabilityDate": orgs.instant(self.org.available_until)})
        if path == QUERY:
            return self._query(request.body)
        if path == JOBS:
            name = f"job-{len(self.jobs) + 1}"
            self.jobs[name] = Job(request.body)
            return Answer(202, {"jobId": name})
        if path.startswith(f"{JOBS}/"):
            return self._job(request)
        return refusal(404, "not.found", "no such resource")

    def _query(self, body: dict[str, Any]) -> Answer:
        records = self._matching(body, by_start=True)
        size, number = body["paging"]["pageSize"], body["paging"]["pageNumber"]
        page = [orgs.without_attributes(record) for record in records[(number - 1) * size : number * size]]
        return Answer(said={"conversations": page, "totalHits": len(records)} if page else {})

    def _job(self, request: Request) -> Answer:
        name, _, rest = request.path.removeprefix(f"{JOBS}/").partition("/")
        job = self.jobs.get(name)
        if job is None or job.deleted:
            return refusal(404, "not.found", "no such job")
        if request.method == "DELETE":
            job.deleted = True
            return Answer(204)
        if not rest:
            job.polls += 1
            return Answer(said={"state": "FULFILLED" if job.polls > 1 else "PENDING"})
        records = self._matching(job.body, by_start=job.body.get("startOfDayIntervalMatching", False))
        size, number = int(request.params.get("pageSize", 1000)), _page_of(request)
        page = records[(number - 1) * size : number * size]
        said: dict[str, Any] = {"conversations": page} if page else {}
        if number * size < len(records):
            said["cursor"] = f"after-{number}"
        if self.tells_availability:
            said["dataAvailabilityDate"] = orgs.instant(self.org.available_until)
        return Answer(said=said)

    def _matching(self, body: dict[str, Any], *, by_start: bool) -> list[orgs.Record]:
        start, end = body["interval"].split("/")
        day = [record for record in self.org.day if start <= record["conversationStart"] < end]
        older = [record for record in self.org.older if record["conversationStart"] < start]
        return day if by_start else older + day


def _page_of(request: Request) -> int:
    return int(request.params.get("cursor", "after-0").rpartition("-")[2]) + 1
