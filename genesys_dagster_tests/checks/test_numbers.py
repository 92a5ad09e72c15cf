"""Completeness and volume: decided from what materializations recorded, and from what is announced now."""

from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster.checks.completeness import compare_with_hits
from genesys_dagster.checks.history import Pull
from genesys_dagster.checks.volume import judge_volume
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import ASSET_KEY as ASSET


def recorded(partitions, rows, day=DAY, **metadata):
    """A materialization as an earlier run left it in the event log."""
    partitions.instance.report_runless_asset_event(
        dg.AssetMaterialization(
            ASSET, partition=str(day), metadata={"dagster/partition_row_count": rows, **metadata}
        )
    )


def test_fewer_conversations_than_announced_at_the_pull_is_an_error(partitions):
    recorded(partitions, 900, total_hits=1_000)
    checked = partitions.check("completeness")
    assert not checked.success  # blocking: what is made of the day waits until it is whole
    assert checked.verdict("completeness") == "ERROR"
    assert checked.figures("completeness") == {"rows": 900, "received": 900, "announced": 1_000}


def test_the_latest_pull_counts(partitions):
    recorded(partitions, 900, total_hits=1_000)
    recorded(partitions, 1_000, total_hits=1_000)
    assert partitions.check("completeness").verdict("completeness") == "passed"


def test_what_was_never_announced_or_pulled_is_not_green(partitions):
    assert partitions.check("completeness").verdict("completeness") == "WARN"
    recorded(partitions, 900, total_hits=dg.MetadataValue.null())
    checked = partitions.check("completeness")
    assert checked.verdict("completeness") == "WARN"
    assert "Not compared" in checked["completeness"].description


@pytest.mark.parametrize(
    ("rows", "outside", "duplicates", "announced", "verdict"),
    [
        (1_000, 0, 0, 1_000, "passed"),
        (990, 10, 0, 1_000, "passed"),  # began on a touched UTC day, but on another day here
        (1_000, 0, 50, 1_050, "passed"),  # two slices announced and delivered the same
        (999, 0, 0, 1_000, "passed"),  # within the tolerance
        (998, 0, 0, 1_000, "ERROR"),
        (1_010, 0, 0, 1_000, "WARN"),
        (0, 0, 0, 0, "passed"),
        (0, 0, 0, 1, "ERROR"),
    ],
)
def test_rows_are_compared_with_what_was_announced(rows, outside, duplicates, announced, verdict):
    finding = compare_with_hits(Pull(rows, outside, duplicates, None), announced)
    assert ("passed" if finding.passed else finding.severity.value) == verdict


def test_conversations_that_came_after_the_pull_are_found_now(pulled, sandbox):
    assert pulled.check("total_hits").verdict("total_hits") == "passed"
    sandbox.faults.total_hits_drift = (40,)
    checked = pulled.check("total_hits")
    assert checked.verdict("total_hits") == "ERROR"
    assert checked["total_hits"].description.startswith("40 of")


def test_an_outage_while_asking_is_a_warning(pulled, sandbox):
    sandbox.faults.fail_next(100, "500")
    checked = pulled.check("total_hits", max_attempts=1)
    assert checked.success
    assert checked.verdict("total_hits") == "WARN"


def test_a_day_unlike_its_weekday_is_warned_of_without_reading_data(partitions, lake):
    for week, rows in enumerate([1_000, 1_020, 980, 5_000], start=1):
        recorded(partitions, rows, DAY - timedelta(weeks=week))
    recorded(partitions, 20, DAY - timedelta(days=1))  # another weekday says nothing
    for rows, verdict in ((1_000, "passed"), (1_400, "passed"), (400, "WARN"), (0, "WARN"), (1_600, "WARN")):
        recorded(partitions, rows)
        checked = partitions.check("volume")
        assert checked.success
        assert checked.verdict("volume") == verdict
    assert lake.keys() == []


@pytest.mark.parametrize(
    ("rows", "before", "passed"),
    [
        (9, [4, 5], True),  # chance alone
        (40, [4, 5], False),
        (0, [9, 9], True),
        (0, [30, 30], False),
        (500, [1_000], True),  # one week proves nothing
        (None, [9, 9, 9], True),
        (0, [0, 0, 0, 0], True),
    ],
)
def test_small_days_may_vary_more(rows, before, passed):
    assert judge_volume(rows, before).passed is passed
