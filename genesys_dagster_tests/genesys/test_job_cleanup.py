import asyncio
import logging

import pytest

from genesys_dagster.genesys import jobs as jobs_module
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.errors import (
    JobFailedError,
)
from genesys_dagster_tests.genesys.fake_jobs import FakeJobs, results
from genesys_dagster_tests.genesys.fakes import (
    FakeApi,
    FakeClock,
    collect,
    error_body,
    export,
    reply,
    run,
)


def test_breaking_off_deletes_the_job():
    async def scenario():
        jobs = FakeJobs(9000)
        async with FakeApi(jobs).client() as client, results(client) as pages:
            async for _ in pages:
                break
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return jobs.deleted

    assert run(scenario()) == ["job-1"]


@pytest.mark.parametrize("states", [["PENDING"], ["FULFILLED"]])
def test_cancelling_deletes_the_job(states):
    async def scenario():
        jobs = FakeJobs(9000)
        jobs.states = states

        class SlowClock(FakeClock):
            async def sleep(self, seconds):
                await asyncio.sleep(3600)

        async def consume(client):
            async with results(client) as pages:
                async for _ in pages:
                    await asyncio.sleep(3600)

        async with FakeApi(jobs).client(SlowClock()) as client:
            task = asyncio.create_task(consume(client))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return jobs.submitted, jobs.deleted

    submitted, deleted = run(scenario(), patience=3)
    assert (len(submitted), deleted) == (1, ["job-1"])


class SlowDeletion(FakeApi):
    """Takes its time over DELETE."""

    def __init__(self, jobs, seconds):
        super().__init__(jobs)
        self.seconds = seconds
        self.deleting = asyncio.Event()

    async def handle_async_request(self, request):
        if request.method == "DELETE":
            self.deleting.set()
            await asyncio.sleep(self.seconds)
        return await super().handle_async_request(request)


def test_a_deletion_under_way_survives_being_cancelled():
    async def scenario():
        jobs = FakeJobs(3)
        api = SlowDeletion(jobs, 0.1)
        async with api.client() as client:
            task = asyncio.create_task(collect(ConversationDetails(client, source="job")))
            await api.deleting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return jobs.deleted

    assert run(scenario()) == ["job-1"]


def test_a_deletion_that_hangs_does_not_hold_up_the_end(monkeypatch, caplog):
    monkeypatch.setattr(jobs_module, "_DELETE_PATIENCE", 0.05)

    async def scenario():
        async with SlowDeletion(FakeJobs(3), 3600).client() as client:
            return len(await collect(ConversationDetails(client, source="job")))

    assert run(scenario(), patience=3) == 1
    assert "stays behind until it expires: no answer in time" in caplog.text


def test_a_job_that_cannot_be_deleted_does_not_hide_the_real_error(caplog):
    caplog.set_level(logging.WARNING)
    jobs = FakeJobs(1)
    jobs.states = ["FAILED"]

    def handler(request):
        return reply(None, 500) if request.method == "DELETE" else jobs(request)

    with pytest.raises(JobFailedError):
        run(export(FakeApi(handler), source="job", max_attempts=2))
    assert "stays behind until it expires" in caplog.text


def test_a_job_that_is_already_gone_when_it_is_deleted_is_no_matter(caplog):
    caplog.set_level(logging.WARNING)
    jobs = FakeJobs(1)

    def handler(request):
        return (
            reply(error_body("not.found", "gone", 404), 404) if request.method == "DELETE" else jobs(request)
        )

    assert run(export(FakeApi(handler), source="job")) == ["0"]
    assert "stays behind" not in caplog.text
