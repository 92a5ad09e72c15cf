"""Weeks of conversations that open, close and get evaluated: at the end every partition is what the org says."""

from contextlib import ExitStack
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.automation.pulls import latest_pulls
from genesys_dagster_tests.automation.simulation import REQUESTS_PER_PULL, simulate
from genesys_dagster_tests.records.conversations import as_sent

DAYS, NEW_DAYS = 36, 7


@pytest.fixture(scope="module")
def world():
    with ExitStack() as stack:
        yield simulate(stack, DAYS, 60, NEW_DAYS)


@pytest.fixture
def simulation(world):
    return world[0]


def test_every_partition_equals_the_orgs_truth_as_of_its_last_pull(world):
    simulation, lake = world
    pulls = latest_pulls(simulation.instance, simulation.pulls)
    assert len(pulls) == NEW_DAYS
    for day, pull in pulls.items():
        body = lake.get_object(
            Bucket="simulated-lake", Key=f"genesys/conversation_details/date={day}/data.parquet"
        )["Body"].read()
        rows = [as_sent(row) for row in pq.read_table(pa.BufferReader(body)).to_pylist()]
        assert rows == simulation.sandbox.org.day(date.fromisoformat(day), as_of=pull.known_until)


def test_no_change_that_the_plan_covers_is_lost(simulation):
    assert simulation.lost() == []
    assert sum(len(simulation.changes(day)) for day in simulation.pulls) > 150


def test_each_day_was_pulled_by_plan_and_by_late_activity(simulation):
    oldest = min(simulation.pulls)
    reasons = [reason for reason, _ in simulation.pulls[oldest]]
    assert reasons[:4] == ["new day", "refresh", "refresh", "refresh"]
    assert any(reason == "late activity" for pulls in simulation.pulls.values() for reason, _ in pulls)


def test_downstream_has_computed_every_version_once_and_nothing_twice(simulation):
    assert len(simulation.computed) == len(set(simulation.computed))
    latest = dict(simulation.computed)
    assert latest == {day: simulation.data_version(day) for day in simulation.pulls}
    assert len(simulation.computed) < sum(map(len, simulation.pulls.values()))


def test_it_takes_far_fewer_requests_than_pulling_everything_every_day(simulation):
    pulled_every_day_for_two_weeks = NEW_DAYS * 14 * REQUESTS_PER_PULL
    assert simulation.api_requests() < 0.6 * pulled_every_day_for_two_weeks
