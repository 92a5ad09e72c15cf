"""Bulk jobs as Genesys Cloud runs them, with everything that can go wrong."""

import json
from contextlib import aclosing

from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster_tests.genesys.fakes import (
    DAY,
    JOBS,
    QUERY,
    FakeApi,
    FakeQuery,
    error_body,
    evenly,
    export,
    reply,
    run,
)

LATER = "2026-11-21T12:00:00.000Z"


EARLIER = "2026-11-20T18:00:00.000Z"


class FakeJobs:
    """Bulk jobs over numbered conversations, beside an interactive query over the same."""

    def __init__(self, count=0):
        self.count = count
        self.available = LATER
        self.results_available = LATER
        self.states = ["FULFILLED"]
        self.error_message = None
        self.status_code = 200
        self.submitted = []
        self.deleted = []
        self.vanished = set()
        self.vanish_at = None
        self.largest_page = 10**9
        self.page_sizes = []
        self.cursor = lambda position: f"at-{position}"
        self.query = FakeQuery(evenly(count))

    def __call__(self, request):
        path = request.url.path
        if path == QUERY:
            return self.query(request)
        if path == f"{JOBS}/availability":
            return reply({"dataAvailabilityDate": self.available})
        if path == JOBS:
            self.submitted.append(json.loads(request.content))
            return reply({"jobId": f"job-{len(self.submitted)}"}, 202)
        job_id, _, rest = path.removeprefix(f"{JOBS}/").partition("/")
        if job_id in self.vanished:
            return reply(error_body("not.found", "no such job", 404), 404)
        if request.method == "DELETE":
            self.deleted.append(job_id)
            return reply(None, 204)
        return self.results(request, job_id) if rest else self.status()

    def status(self):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        body = {} if state is None else {"state": state}
        return reply(
            body | ({"errorMessage": self.error_message} if self.error_message else {}), self.status_code
        )

    def results(self, request, job_id):
        size = int(request.url.params["pageSize"])
        self.page_sizes.append(size)
        if size > self.largest_page:
            return reply(error_body("response.entity.too.large", "Please reduce pageSize"), 400)
        start = int(request.url.params.get("cursor", "at-0").removeprefix("at-"))
        if self.vanish_at is not None and start >= self.vanish_at and job_id == "job-1":
            self.vanished.add(job_id)
            return reply(error_body("not.found", "no such job", 404), 404)
        rows = range(start, min(start + size, self.count))
        body = {"conversations": [{"conversationId": str(row)} for row in rows]} if rows else {}
        if self.results_available:
            body["dataAvailabilityDate"] = self.results_available
        if start + size < self.count:
            body["cursor"] = self.cursor(start + size)
        return reply(body)


def numbers(count):
    return [str(number) for number in range(count)]


def results(client):
    return aclosing(ConversationDetails(client, source="job").pages(DAY))


def export_job(jobs, interval=DAY, **options):
    return run(export(FakeApi(jobs), interval, **{"source": "job", **options}))
