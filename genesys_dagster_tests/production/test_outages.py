"""What a deployment meets: a database and a broker that are away, a second daemon, a worker of another version.

On the cluster of `test_backfill.py`, after its backfill.
"""

import shutil
import time
import urllib.error
from contextlib import contextmanager
from datetime import timedelta

import pytest

from genesys_dagster_tests.production.cluster import DEPLOY, ROOT
from genesys_dagster_tests.production.lake import stored_ids, submitted_jobs, true_ids
from genesys_dagster_tests.production.processes import wait_until
from genesys_dagster_tests.production.test_backfill import ASSET

pytestmark = pytest.mark.servers

SECONDS = 5.0


def ended(cluster, run_id):
    """How a run has ended; False as long as it has not, or nobody can say."""
    try:
        status = cluster.web.status(run_id)
    except (urllib.error.URLError, OSError):  # the webserver's connections to a database that was away
        return False
    return status in {"SUCCESS", "FAILURE", "CANCELED"} and status


@contextmanager
def away(store):
    store.stop()
    time.sleep(SECONDS)
    yield
    store.start()


def test_a_run_survives_that_postgres_is_away_while_it_works(cluster):
    day = cluster.days[0]
    before = submitted_jobs(cluster)[str(day)]
    cluster.sandbox.settings.job_delay = 3600
    run_id = cluster.web.launch(ASSET, day)
    wait_until(lambda: submitted_jobs(cluster)[str(day)] > before, "a run waits for its job")
    with away(cluster.postgres):
        cluster.sandbox.settings.job_delay = 0
        for job in list(cluster.sandbox.jobs.values()):
            job.ready = 0
    assert wait_until(lambda: ended(cluster, run_id), "the run ends") == "SUCCESS"
    assert "Finished execution of run" in cluster.web.words(run_id)
    assert submitted_jobs(cluster)[str(day)] == before + 1
    assert stored_ids(cluster, day) == true_ids(cluster, day)


def test_a_run_that_is_launched_while_the_broker_is_away_waits_for_it(cluster):
    with away(cluster.redis):
        run_id = cluster.web.launch(ASSET, cluster.days[1])
        worker = cluster.start_worker()
        wait_until(lambda: cluster.web.status(run_id) == "STARTING", "the daemon launches it")
        wait_until(lambda: worker.said("Cannot connect to redis://"), "the worker says why it does nothing")
    assert wait_until(lambda: ended(cluster, run_id), "the run ends") == "SUCCESS"
    wait_until(lambda: worker.said("ready."), "the worker has found the broker")
    worker.stop()


def test_two_daemons_ask_for_a_new_day_once_and_one_says_that_there_are_two(cluster):
    second = cluster.start_daemon()
    wait_until(lambda: second.said("SensorDaemon"), "the second daemon works")
    cluster.web.start_sensor("export_new_days")
    yesterday = cluster.days[-1] + timedelta(1)
    requested = wait_until(lambda: runs_of(cluster, yesterday), "the new day is asked for")
    assert wait_until(lambda: ended(cluster, requested[0]["runId"]), "the run ends") == "SUCCESS"
    words = "Another SENSOR daemon is still sending heartbeats"
    wait_until(lambda: any(daemon.said(words) for daemon in cluster.daemons), "a daemon sees the other")
    assert len(runs_of(cluster, yesterday)) == submitted_jobs(cluster)[str(yesterday)] == 1
    assert stored_ids(cluster, yesterday) == true_ids(cluster, yesterday)
    second.stop()


def runs_of(cluster, day):
    return [run for run in cluster.web.runs() if run["tags"].get("dagster/partition") == str(day)]


@pytest.fixture
def other_version(cluster):
    """Only a worker whose version of the code knows no reference data."""
    folder = cluster.folder / "other"
    shutil.copytree(ROOT / "genesys_dagster", folder / "genesys_dagster")
    definitions = folder / "genesys_dagster" / "definitions.py"
    words = "org = GenesysCloud.from_environment("
    definitions.write_text(definitions.read_text().replace(words + ")", words + "parts=())"))
    for worker in cluster.workers:
        worker.stop()
    return cluster.start_worker(PYTHONPATH=f"{DEPLOY}:{folder}")


def test_a_worker_of_another_version_fails_a_run_that_it_does_not_know_and_writes_nothing(
    cluster, other_version
):
    run_id = cluster.web.launch("users", None)
    assert wait_until(lambda: ended(cluster, run_id), "the run ends") == "FAILURE"
    assert "AssetKey(s) ['users'] were selected, but no AssetsDefinition" in cluster.web.words(run_id)
    assert cluster.web.materialized(ASSET)[0] == len(cluster.days) + 1
