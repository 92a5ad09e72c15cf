"""`queue_performance_weekly`: seven days become a week."""

from datetime import date, timedelta

import dagster as dg
import pytest

from genesys_dagster_tests.default_org import PARTITIONS, WEEKS, queue_performance_weekly
from genesys_dagster_tests.performance.conftest import figures_of_queues, metric
from genesys_dagster_tests.schemas import QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY

MONDAY = date(2026, 5, 4)
WEEK = [MONDAY + timedelta(days=number) for number in range(7)]


@pytest.fixture
def days(put):
    """A week of daily figures in the lake: on day n, n answered out of 7 offered."""
    for number, day in enumerate(WEEK):
        metrics = [metric("nOffered", day=day)] * 7 + [metric("tAnswered", 10_000, day=day)] * number
        metrics += [metric("tAbandon", 30_000, "16:00", day=day)] * (7 - number)
        put("queue_performance", figures_of_queues(metrics, day=day), QUEUE_PERFORMANCE, day)


def test_a_week_is_the_sum_of_its_days_with_rates_made_again(days, weekly):
    outcome, rows = weekly(MONDAY)
    assert outcome.success, outcome.failure
    (row,) = rows
    assert (row["week"], row["queue_name"]) == (MONDAY, "Sales")
    assert (row["offered"], row["answered"], row["abandoned"]) == (49, 21, 28)
    assert row["service_level"] == 21 / 49
    assert row["abandon_rate"] == 28 / 49
    assert (row["answer_seconds"], row["answer_seconds_mean"]) == (210, 10)
    assert (row["handled"], row["handle_seconds"], row["handle_seconds_mean"]) == (0, 0, None)


def test_the_means_of_a_week_are_of_known_times_only(put, weekly):
    for day in WEEK:
        metrics = [
            metric(name, value, day=day) for name in ("tAnswered", "tHandle") for value in (10_000, None)
        ]
        put("queue_performance", figures_of_queues(metrics, day=day), QUEUE_PERFORMANCE, day)
    outcome, rows = weekly(MONDAY)
    assert outcome.success, outcome.failure
    (row,) = rows
    assert (row["answered"], row["answer_seconds_mean"]) == (7, 10)
    assert (row["handled"], row["handle_seconds_mean"]) == (7, 10)


def test_the_service_level_of_a_week_is_that_of_the_days_with_a_target(put, weekly):
    for number, day in enumerate(WEEK):
        metrics = [metric("tAnswered", 10_000, day=day, medium=medium) for medium in ("email", "message")]
        target = {"target_seconds_of_media": {"email": 5 + number}} if number else {}
        put("queue_performance", figures_of_queues(metrics, day=day, **target), QUEUE_PERFORMANCE, day)
    _, rows = weekly(MONDAY)
    found = {
        row["media_type"]: [row[it] for it in ("answered", "answered_in_target", "service_level_base")]
        for row in rows
    }
    assert found == {"email": [7, 2, 6], "message": [7, None, None]}
    assert {row["media_type"]: row["service_level"] for row in rows} == {"email": 2 / 6, "message": None}


def test_the_week_has_its_schema_and_lineage(days, weekly):
    outcome, _ = weekly(MONDAY)
    lineage = outcome.metadata["dagster/column_lineage"]
    assert lineage.deps_by_column["service_level"] == [
        dg.TableColumnDep(dg.AssetKey("queue_performance"), "answered_in_target"),
        dg.TableColumnDep(dg.AssetKey("queue_performance"), "service_level_base"),
    ]
    assert set(lineage.deps_by_column) == set(QUEUE_PERFORMANCE_WEEKLY.names)


def test_a_week_with_a_day_missing_is_refused_and_the_day_named(days, weekly, lake):
    lake.client.delete_object(
        Bucket=lake.bucket, Key=f"genesys/queue_performance/date={WEEK[3]}/data.parquet"
    )
    outcome, _ = weekly(MONDAY)
    assert not outcome.success
    assert str(WEEK[3]) in str(outcome.failure)


def test_a_weekly_partition_depends_on_the_seven_days_from_monday_on():
    mapping = queue_performance_weekly.get_partition_mapping(dg.AssetKey("queue_performance"))
    subset = WEEKS.empty_subset().with_partition_keys([str(MONDAY)])
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, WEEKS, PARTITIONS)
    assert sorted(upstream.partitions_subset.get_partition_keys()) == [str(day) for day in WEEK]
