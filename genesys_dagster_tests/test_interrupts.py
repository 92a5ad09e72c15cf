"""An interrupt ends a run, in whatever asset it strikes: it is never taken for a failure that passes by itself."""

import gc
import logging
import signal
import threading
import time

import dagster as dg
import pytest

from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE, Outage
from genesys_dagster_tests.conftest import DAY, Outcome
from genesys_dagster_tests.default_org import REFERENCE, late_activity, resources_of

(USERS,) = (asset for asset in REFERENCE if asset.key == dg.AssetKey("users"))


@pytest.fixture(autouse=True)
def no_collection():
    """Hypothesis is called by the garbage collection; an interrupt that strikes there is lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    ("asset", "day", "path"), [(late_activity, str(DAY), "/availability"), (USERS, None, "/users")]
)
def test_an_interrupt_ends_a_run_that_asks_genesys_cloud(environment, sandbox, lake, asset, day, path):
    sandbox.faults.latency_seconds = 0.3

    def interrupt_while_it_is_asked():
        while not any(path in request.path for request in list(sandbox.requests)):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt_while_it_is_asked, daemon=True).start()
    result = dg.materialize([asset], partition_key=day, resources=resources_of(), raise_on_error=False)
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    assert event.step_failure_data.error.cls_name == "DagsterExecutionInterruptedError"
    assert not Outcome(result).was_retried
    assert lake.keys() == []


def attempts_of(*causes):
    """A step that fails with one cause after the other."""
    left = list(causes)

    @dg.op(retry_policy=RETRY_AFTER_OUTAGE)
    def step():
        if left:
            raise left.pop(0)

    @dg.job
    def job():
        step()

    result = job.execute_in_process(raise_on_error=False)
    retries = result.filter_events(lambda event: event.is_step_up_for_retry)
    waits = [event.event_specific_data.seconds_to_wait for event in retries]
    failures = result.filter_events(lambda event: event.is_step_failure)
    return waits, [failure.step_failure_data for failure in failures]


def test_the_headline_of_a_step_that_failed_for_good_is_its_cause(environment):
    waits, (failure,) = attempts_of(*[Outage(f"no answer, attempt {n}") for n in (1, 2, 3)])
    assert waits == [0, 0]
    assert failure.user_failure_data.description == "no answer, attempt 3"
    assert "max_retries" not in failure.error.message


@pytest.mark.parametrize(("asked_for", "waits"), [(0.0, 0.0), (4_000.0, 4_000.0), (1e9, 86_400.0)])
def test_no_attempt_begins_before_the_server_said_and_none_is_put_off_for_ever(environment, asked_for, waits):
    try:
        raise Outage("wait", asked_for)  # noqa: TRY301 - the policy looks at what is being handled
    except Outage:
        assert RETRY_AFTER_OUTAGE.calculate_delay(1) == waits


def test_what_cannot_pass_by_itself_is_not_tried_again(environment):
    waits, (failure,) = attempts_of(dg.Failure("for good", allow_retries=False))
    assert waits == []
    assert failure.user_failure_data.description == "for good"


def test_another_attempt_is_planned_though_the_log_cannot_be_written(monkeypatch):
    """Dagster's handler of our log raises where the instance's database is away."""

    def away(_record):
        raise OSError("the database is away")

    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", away)
    monkeypatch.setattr(logging.getLogger("genesys_dagster.assets.failures"), "handlers", [handler])

    def fail():
        raise Outage("Genesys Cloud is away", 7.0)

    try:
        fail()
    except Outage:
        assert RETRY_AFTER_OUTAGE.calculate_delay(1) >= 7.0
