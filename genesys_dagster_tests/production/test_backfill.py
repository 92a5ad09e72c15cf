"""A month is asked for in the UI, and a worker is killed in the middle."""

import os
import re

import pytest

from genesys_dagster.sandbox.times import to_datetime
from genesys_dagster_tests.production.lake import refused, stored_ids, submitted_jobs, true_ids
from genesys_dagster_tests.production.processes import wait_until

pytestmark = pytest.mark.servers

ASSET = "conversation_details"
POOL = "genesys_api"
ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


def pid_of(cluster, run_id):
    """The process of a run."""
    started = re.search(r"Started process for run \(pid: (\d+)\)", cluster.web.words(run_id))
    return int(started[1]) if started else None


def run_that_waits_for_its_job(cluster):
    """A run that has submitted the bulk job of its first day, which is not done; those of later days get theirs."""
    jobs = [job for job in list(cluster.sandbox.jobs.values()) if job.delay > 60]
    waiting = {str(to_datetime(job.question.interval.start).date()): job for job in jobs}
    for run in cluster.web.runs(statuses=["STARTED"]):
        job = waiting.pop(run["tags"].get("dagster/asset_partition_range_start"), None)
        if job and pid_of(cluster, run["runId"]):
            return run["runId"]
    for job in waiting.values():
        job.ready = 0
    return None


@pytest.fixture(scope="module")
def killed(cluster):
    """A backfill of 30 days that came to its end, and the run whose worker was killed."""
    backfill = cluster.web.backfill(ASSET, cluster.days)
    wait_until(lambda: cluster.web.materialized(ASSET)[0] >= 5, "some days are there")
    cluster.sandbox.settings.job_delay = 3600
    run_id = wait_until(lambda: run_that_waits_for_its_job(cluster), "a run waits for its job")
    group = os.getpgid(pid_of(cluster, run_id))
    (worker,) = [each for each in cluster.workers if each.group == group]
    worker.kill()
    cluster.start_worker()
    cluster.sandbox.settings.job_delay = 0
    for job in list(cluster.sandbox.jobs.values()):
        job.ready = 0
    wait_until(lambda: cluster.web.backfill_status(backfill) in ENDED, "the backfill ends")
    return backfill, run_id


def test_all_days_are_there_and_the_backfill_says_so(cluster, killed):
    backfill, _ = killed
    assert cluster.web.backfill_status(backfill) == "COMPLETED_SUCCESS"
    assert cluster.web.materialized(ASSET) == (len(cluster.days), 0)


def test_each_day_holds_exactly_the_conversations_that_the_org_has(cluster, killed):
    wrong = [day for day in cluster.days if stored_ids(cluster, day) != true_ids(cluster, day)]
    assert not wrong
    assert sum(sum(stored_ids(cluster, day).values()) for day in cluster.days) > 500


def test_the_lost_run_says_what_became_of_it(cluster, killed):
    _, run_id = killed
    assert [run["runId"] for run in cluster.web.runs(statuses=["FAILURE"])] == [run_id]
    assert "No Celery worker has this run any more: its worker was killed" in cluster.web.words(run_id)


def test_it_was_started_again_and_took_over_the_job_of_the_lost_run(cluster, killed):
    _, run_id = killed
    (again,) = [run for run in cluster.web.runs() if run["tags"].get("dagster/parent_run_id") == run_id]
    assert (again["status"], again["tags"]["dagster/retry_number"]) == ("SUCCESS", "1")
    assert submitted_jobs(cluster) == dict.fromkeys(map(str, cluster.days), 1)
    assert not cluster.sandbox.jobs  # all read and deleted


def test_its_place_in_the_pool_is_free_again(cluster, killed):
    slots = wait_until(lambda: cluster.web.slots(POOL), "the pool")
    assert (slots["slotCount"], slots["activeSlotCount"]) == (2, 0)


def test_two_workers_stayed_within_the_rate_limit(cluster, killed):
    assert refused(cluster) == 0
