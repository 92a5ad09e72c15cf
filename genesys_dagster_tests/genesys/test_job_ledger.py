"""Jobs that are remembered: taken over by the next attempt where they are good, and never left lying about."""

import json
from datetime import timedelta

import pytest

from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.errors import (
    JobFailedError,
    RequestRejectedError,
    ServiceUnavailableError,
    SubmitUncertainError,
)
from genesys_dagster.genesys.interval import parse_instant
from genesys_dagster.genesys.job_memory import RememberedJob
from genesys_dagster_tests.genesys.fake_jobs import LATER, FakeJobs, numbers
from genesys_dagster_tests.genesys.fakes import DAY, JOBS, FakeApi, collect, error_body, export, reply, run

MARK = parse_instant(LATER)


class Ledger:
    """Remembers in a dict."""

    def __init__(self):
        self.jobs = {}
        self.left = []
        self.known_until = {}
        self.awaited = set()
        self.kept = []
        self.age = 0.0

    def recall(self, question):
        if question not in self.jobs:
            return None
        job_id = self.jobs[question]
        return RememberedJob(job_id, self.age, self.known_until[question], question in self.awaited)

    def note(self, question, job_id, known_until=MARK):
        self.jobs[question], self.known_until[question] = job_id, known_until

    def keep(self, question, *, awaited):
        self.kept.append(self.jobs[question])
        (self.awaited.add if awaited else self.awaited.discard)(question)

    def leave(self, question):
        self.left.append(self.jobs.pop(question))

    def forget(self, question):
        self.jobs.pop(question, None)


def question(**changes):
    body = {
        "interval": DAY.as_text(),
        "order": "asc",
        "orderBy": "conversationStart",
        "startOfDayIntervalMatching": True,
    }
    return json.dumps(body | changes, separators=(",", ":"))


@pytest.fixture
def ledger():
    return Ledger()


def export_with(ledger, handler, **options):
    return run(export(FakeApi(handler), source="job", ledger=ledger, max_attempts=2, **options))


def test_a_job_is_noted_while_it_is_read_and_forgotten_when_it_is_deleted(ledger):
    jobs, noted = FakeJobs(5), []

    def handler(request):
        if request.url.path.endswith("/results"):
            noted.append(dict(ledger.jobs))
        return jobs(request)

    assert export_with(ledger, handler) == numbers(5)
    assert noted == [{question(): "job-1"}]
    assert (ledger.jobs, jobs.deleted) == ({}, ["job-1"])


@pytest.mark.parametrize("states", [["FULFILLED"], ["QUEUED", "PENDING", "FULFILLED"]])
def test_a_job_left_by_a_process_that_died_is_taken_over(ledger, states):
    jobs = FakeJobs(5)
    jobs.states = states
    ledger.note(question(), "job-0")
    assert export_with(ledger, jobs) == numbers(5)
    assert jobs.submitted == []
    assert (ledger.jobs, jobs.deleted) == ({}, ["job-0"])
    assert ledger.kept == ["job-0"]  # it is noted as this run's from now on


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED", "PARKED"])
def test_a_job_that_came_to_nothing_is_not_taken_over(ledger, state):
    jobs = FakeJobs(5)
    jobs.states = [state, "FULFILLED"]
    ledger.note(question(), "job-0")
    assert export_with(ledger, jobs) == numbers(5)
    assert len(jobs.submitted) == 1


def test_a_job_that_is_gone_is_not_taken_over(ledger):
    jobs = FakeJobs(5)
    jobs.vanished = {"job-0"}
    ledger.note(question(), "job-0")
    assert export_with(ledger, jobs) == numbers(5)
    assert len(jobs.submitted) == 1


def test_an_old_job_is_not_taken_over_because_more_has_happened_since(ledger):
    jobs = FakeJobs(5)
    ledger.note(question(), "job-0")
    ledger.age = 24 * 3600
    assert export_with(ledger, jobs) == numbers(5)
    assert len(jobs.submitted) == 1


def test_a_slow_job_is_waited_for_across_attempts_and_days(ledger):
    jobs = FakeJobs(5)
    jobs.states = ["PENDING"]
    for _ in range(3):
        with pytest.raises(JobFailedError, match="goes on waiting") as caught:
            export_with(ledger, jobs, max_job_wait=timedelta(minutes=10))
        assert caught.value.retryable
        ledger.age += 24 * 3600
    assert (jobs.deleted, len(ledger.awaited)) == ([], 1)
    jobs.states = ["FULFILLED"]
    assert export_with(ledger, jobs) == numbers(5)
    assert (len(jobs.submitted), jobs.deleted, ledger.jobs) == (1, ["job-1"], {})


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410])
def test_a_remembered_job_that_this_client_may_not_see_is_forgotten(ledger, status, caplog):
    jobs = FakeJobs(5)
    ledger.note(question(), "job-0")

    def handler(request):
        if "job-0" in request.url.path:
            return reply(error_body("not.for.you", "no", status), status)
        return jobs(request)

    assert export_with(ledger, handler) == numbers(5)
    assert (len(jobs.submitted), ledger.jobs, ledger.left) == (1, {}, [])
    assert "not to be had any more" in caplog.text


@pytest.mark.parametrize("status", [400, 503])
def test_a_job_that_vanished_and_cannot_be_submitted_anew_is_deleted_and_forgotten_once(ledger, status):
    jobs = FakeJobs(5)
    jobs.vanished = {"job-1"}

    def handler(request):
        if request.url.path == JOBS and jobs.submitted:
            return reply(error_body("bad.day", "no", status), status)
        return jobs(request)

    api = FakeApi(handler)
    with pytest.raises((RequestRejectedError, SubmitUncertainError)):
        run(export(api, source="job", ledger=ledger, max_attempts=2))
    assert api.count("DELETE", f"{JOBS}/job-1") == 1
    assert (ledger.jobs, ledger.left) == ({}, [])


@pytest.mark.parametrize("status", [400, 403, 409, 413, 500])
def test_a_job_that_cannot_be_deleted_is_left_to_housekeeping_and_not_taken_over(ledger, status):
    jobs = FakeJobs(5)

    def handler(request):
        if request.method == "DELETE":
            return reply(error_body("not.now", "no", status), status)
        return jobs(request)

    assert export_with(ledger, handler) == numbers(5)
    assert (ledger.jobs, ledger.left) == ({}, ["job-1"])
    assert export_with(ledger, handler) == numbers(5)
    assert (ledger.jobs, ledger.left) == ({}, ["job-1", "job-2"])


def test_a_job_taken_over_knows_no_more_than_when_it_was_submitted(ledger):
    jobs = FakeJobs(5)
    earlier = MARK - timedelta(hours=3)
    ledger.note(question(), "job-0", earlier)

    async def scenario():
        async with FakeApi(jobs).client() as client:
            details = ConversationDetails(client, source="job", ledger=ledger)
            await collect(details)
            return details.progress.available_until

    assert run(scenario()) == earlier


def test_a_job_for_something_else_is_not_taken_over(ledger):
    jobs = FakeJobs(5)
    ledger.note(question(startOfDayIntervalMatching=False), "job-0")
    export_with(ledger, jobs)
    assert len(jobs.submitted) == 1
    assert list(ledger.jobs.values()) == ["job-0"]


def test_an_outage_leaves_the_job_to_the_next_attempt(ledger):
    jobs, is_down = FakeJobs(2500), [True]

    def handler(request):
        if is_down[0] and "at-1000" in str(request.url):
            return reply(None, 503)
        return jobs(request)

    with pytest.raises(ServiceUnavailableError):
        export_with(ledger, handler)
    assert (list(ledger.jobs.values()), jobs.deleted) == (["job-1"], [])
    is_down[0] = False
    assert export_with(ledger, handler) == numbers(2500)
    assert (len(jobs.submitted), ledger.jobs, jobs.deleted) == (1, {}, ["job-1"])


def test_without_a_ledger_an_outage_leaves_nothing_behind():
    jobs = FakeJobs(5)

    def handler(request):
        return reply(None, 503) if request.url.path.endswith("/results") else jobs(request)

    with pytest.raises(ServiceUnavailableError):
        export_with(None, handler)
    assert jobs.deleted == ["job-1"]


def test_a_job_that_failed_is_deleted_and_forgotten(ledger):
    jobs = FakeJobs(5)
    jobs.states = ["FAILED"]
    with pytest.raises(JobFailedError):
        export_with(ledger, jobs)
    assert (ledger.jobs, jobs.deleted) == ({}, ["job-1"])


def test_each_slice_is_taken_over_by_itself(ledger):
    jobs = FakeJobs(4)
    half = DAY.halves()[1].as_text()
    ledger.note(question(interval=half), "job-0")
    export_with(ledger, jobs, job_slices=2)
    assert [body["interval"] for body in jobs.submitted] == [DAY.halves()[0].as_text()]
    assert sorted(jobs.deleted) == ["job-0", "job-1"]
    assert ledger.jobs == {}
