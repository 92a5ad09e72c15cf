"""Weeks of conversations that open, close and get evaluated: at the end every partition is what the org says."""

from contextlib import ExitStack
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys_dagster.memory.pulls import latest_pulls
from genesys_dagster_tests.automation.simulation import REQUESTS_PER_PULL, simulate
from genesys_dagster_tests.default_org import ORG, end_of, ended_by
from genesys_dagster_tests.records.conversations import as_sent
from genesys_dagster_tests.test_late_activity import happened

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("simulation"),
]  # what is made once, is made by one process

DAYS, NEW_DAYS = 26, 6
LATE = "late activity"
FIRST_TICK = timedelta(hours=2)  # from the end of a day to the watermark of the day's ticks


@pytest.fixture(scope="module")
def world():
    with ExitStack() as stack:
        yield simulate(stack, DAYS, 60, NEW_DAYS)


@pytest.fixture
def simulation(world):
    return world[0]


def up_to_date(simulation, pull):
    """A day as of its last pull, but for conversations in which a sweep found something since: as of that sweep."""
    org, day = simulation.sandbox.org, date.fromisoformat(pull.day)
    records = {record["conversationId"]: record for record in org.day(day, as_of=pull.known_until)}
    for swept in ended_by(pull.active_until):
        start, end = end_of(swept) - timedelta(days=1), end_of(swept)
        if end > pull.known_until and swept > pull.day:
            for record in org.day(day, as_of=end + FIRST_TICK):
                if any(start <= at < end for at in happened(record)):
                    records[record["conversationId"]] = record
    return list(records.values())


def test_every_partition_equals_the_orgs_truth_as_of_its_last_pull_and_sweeps(world):
    simulation, lake = world
    pulls = latest_pulls(simulation.instance, ORG, simulation.pulls)
    assert len(pulls) == NEW_DAYS
    for day, pull in pulls.items():
        body = lake.get_object(
            Bucket="simulated-lake", Key=f"genesys/conversation_details/date={day}/data.parquet"
        )["Body"].read()
        rows = [as_sent(row) for row in pq.read_table(pa.BufferReader(body)).to_pylist()]
        assert rows == up_to_date(simulation, pull)


def test_no_change_that_the_plan_covers_is_lost(simulation):
    assert simulation.lost() == []
    assert sum(1 for day in simulation.pulls for _ in simulation.changes(day)) > 150


def test_what_ends_late_is_known_a_day_later_and_late_evaluations_within_a_month(simulation):
    ends, assessments = (simulation.delays(of_ends=of_ends) for of_ends in (True, False))
    assert len(ends) > 5
    assert ends[-1] < timedelta(days=1, hours=8)
    assert len(assessments) > 10
    assert assessments[-1] < timedelta(days=31)


def test_each_day_was_pulled_by_plan_and_updated_from_late_activity(simulation):
    reasons = [pull.reason for pull in simulation.pulls[min(simulation.pulls)] if pull.reason != LATE]
    assert reasons[:4] == ["new day", "refresh", "refresh", "refresh"]
    assert any(pull.reason == LATE for pulls in simulation.pulls.values() for pull in pulls)


def test_downstream_has_computed_every_version_once_and_nothing_twice(simulation):
    assert len(simulation.computed) == len(set(simulation.computed))
    latest = dict(simulation.computed)
    assert latest == {day: simulation.data_version(day) for day in simulation.pulls}
    assert len(simulation.computed) < sum(map(len, simulation.pulls.values()))


def test_it_takes_far_fewer_requests_than_pulling_everything_every_day(simulation):
    pulled_every_day_for_two_weeks = NEW_DAYS * 14 * REQUESTS_PER_PULL
    assert simulation.api_requests() < 0.6 * pulled_every_day_for_two_weeks
