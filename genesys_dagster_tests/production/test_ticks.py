"""The database is away while a sensor ticks."""

import pytest

from genesys_dagster_tests.production.processes import wait_until

pytestmark = pytest.mark.servers

SENSOR = JOB = "export_user_status"


def test_a_tick_during_which_postgres_is_away_asks_for_a_day_once(cluster):
    """For seconds: it is tried five times, for 12 s. The run need not be there before it is."""
    daemon, asked = cluster.daemons[0], len(cluster.sandbox.requests)
    missed = misses(daemon)
    cluster.sandbox.settings.faults.latency_seconds = 1
    cluster.web.start_sensor(SENSOR)
    wait_until(lambda: len(cluster.sandbox.requests) > asked, "the tick is under way")
    cluster.postgres.stop()
    wait_until(lambda: misses(daemon) > missed, "the daemon misses it")
    cluster.postgres.start()
    cluster.sandbox.settings.faults.latency_seconds = 0
    (run,) = wait_until(lambda: runs_of(cluster), "the day is asked for")
    (tick,) = wait_until(lambda: ended(cluster), "the tick has ended")
    assert (tick["status"], tick["runIds"]) == ("SUCCESS", [run["runId"]])
    assert daemon.is_running


def misses(daemon):
    return daemon.log.read_text(errors="replace").count("Retrying failed database connection")


def runs_of(cluster):
    return [run for run in cluster.web.runs() if run["jobName"] == JOB]


def ended(cluster):
    return [tick for tick in cluster.web.ticks(SENSOR) if tick["status"] != "STARTED"]
