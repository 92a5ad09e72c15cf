"""Bulk jobs in the instance's memory: taken over from the dead, never from the living."""

import logging
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.genesys.interval import Interval
from genesys_dagster.memory.job_ledger import InstanceLedger, Place, entries
from genesys_dagster_tests.default_org import ORG

START = datetime(2026, 5, 12, tzinfo=UTC)
DAY = Interval(START, START + timedelta(days=1))
MARK = START + timedelta(days=2)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def run_of(instance):
    """A run in a state, and its ledger."""

    @dg.job
    def nothing():
        pass

    def begin(status):
        run = instance.create_run_for_job(nothing, status=status)
        return InstanceLedger(instance, ORG, run.run_id, DAY)

    return begin


def jobs(instance):
    entry = entries(instance, ORG, [Place(DAY)]).get(Place(DAY))
    return {job.job_id for job in entry.jobs.values()} if entry else set()


def test_the_job_of_a_run_that_died_is_taken_over(run_of):
    run_of(dg.DagsterRunStatus.FAILURE).note("q", "job-1", MARK)
    assert run_of(dg.DagsterRunStatus.STARTED).recall("q").job_id == "job-1"


def test_the_job_that_another_run_is_reading_is_left_to_it(run_of, instance):
    first, second = (run_of(dg.DagsterRunStatus.STARTED) for _ in range(2))
    first.note("q", "job-1", MARK)
    assert second.recall("q") is None
    second.note("q", "job-2", MARK)
    assert (first.recall("q").job_id, second.recall("q").job_id) == ("job-1", "job-2")
    first.forget("q")
    assert jobs(instance) == {"job-2"}
    second.forget("q")
    assert jobs(instance) == set()


def test_a_store_that_is_away_costs_the_memory_alone_though_the_log_goes_there_too(
    run_of, instance, monkeypatch
):
    """As Postgres for a minute: Dagster carries our loggers' words to it, and its handler raises."""

    def away(*_):
        raise OSError("the store is away")

    log = logging.getLogger("genesys_dagster.memory.job_ledger")
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", away)
    monkeypatch.setattr(log, "handlers", [handler])
    for name in ("set_cursor_values", "get_cursor_values"):
        monkeypatch.setattr(instance.run_storage, name, away)
    ledger = run_of(dg.DagsterRunStatus.STARTED)
    ledger.note("q", "job-1", MARK)
    assert ledger.recall("q") is None
