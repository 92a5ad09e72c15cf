"""A partition of the figures is its day: all that was emitted on it, once, whoever's conversations these were."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.assets.performance import performance
from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import agent_performance, queue_performance
from genesys_dagster_tests.performance.conftest import (
    NAMES,
    QUEUES,
    USERS,
    figures_of_agents,
    figures_of_queues,
    materialized,
    metric,
)
from genesys_dagster_tests.schemas import QUEUE_PERFORMANCE, SESSION_METRICS

DAYS = [DAY + timedelta(days=number) for number in range(-1, 3)]
FACTS = "genesys_dagster."


def back(days):
    return DAY - timedelta(days=days)


@pytest.fixture
def late(tmp_path):
    """A sweep of a day: calls that were answered on it, by when they began; with the bounds that travel with it."""

    def late(began, waits=(4_000,), start=None, end=None):
        emitted = datetime(DAY.year, DAY.month, DAY.day, 9, 10, tzinfo=UTC)
        rows = [
            {
                "conversationId": f"{at} {wait}",
                "conversationStart": datetime.fromisoformat(f"{at}T10:00:00+00:00"),
                "participants": [
                    {
                        "userId": "u1",
                        "sessions": [
                            {
                                "mediaType": "voice",
                                "direction": "inbound",
                                "segments": [{"queueId": "sales", "segmentStart": emitted}],
                                "metrics": [
                                    {"name": name, "value": wait, "emitDate": moment}
                                    for name in ("tAnswered", "tHandle")
                                    for moment in (
                                        emitted,
                                        emitted - timedelta(days=1),
                                        emitted + timedelta(days=1),
                                    )
                                ],
                            }
                        ],
                    }
                ],
            }
            for at in began
            for wait in waits
        ]
        facts = {f"{FACTS}start": start, f"{FACTS}end": end} if start else {}
        schema = CONVERSATION_SCHEMA.with_metadata(facts)
        path = tmp_path / "data.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        return {"late_activity": {str(DAY): ds.dataset(path)}}

    return late


def computed(asset, metrics, late=None, day=DAY, **config):
    """The output of an asset: its rows, and what it says of them."""
    days = {
        str(key): ds.dataset(pa.Table.from_pylist(rows, schema=SESSION_METRICS))
        for key, rows in metrics.items()
    }
    is_of_queues = "queue_performance" in asset.key.path
    names, listed = ("queues", QUEUES) if is_of_queues else ("users", USERS)
    inputs = {
        "session_metrics": days,
        names: ds.dataset(pa.Table.from_pylist(listed, schema=NAMES)),
        **(late or {}),
    }
    if is_of_queues:
        inputs["config"] = ServiceLevelConfig(**config)
    with dg.build_asset_context(partition_key=str(day)) as context:
        stream = asset(context, **inputs).value
    rows = [row for batch in stream.frames for row in batch.to_pylist()]
    return rows, {name: getattr(said, "value", said) for name, said in stream.metadata().items()}


moments = st.integers(0, 4 * 86_400_000 - 1).map(
    lambda at: datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(milliseconds=at, days=-1)
)
emitted = st.builds(
    lambda began, name, value, at, queue, medium: (
        began,
        metric(name, value, at, queue=queue, medium=medium, user=queue),
    ),
    st.sampled_from(DAYS),
    st.sampled_from(["nOffered", "tAnswered", "tHandle"]),
    st.integers(0, 10**7),
    moments,
    st.sampled_from(["sales", "service"]),
    st.sampled_from(["voice", None]),
)
TOTALS = {"tAnswered": ("answered", "answer_seconds"), "tHandle": ("handled", "handle_seconds")}


@settings(max_examples=8, deadline=None)
@given(st.lists(emitted, max_size=25))
def test_each_emission_is_in_the_partition_of_its_day_and_in_no_other(emissions):
    by_start = {day: [row for began, row in emissions if began == day] for day in DAYS}
    # What a conversation emits before it begins is in no record.
    expected = {
        day: [row for began, row in emissions if began <= day == row["emit_date"].date()] for day in DAYS
    }
    queues, agents = [], []
    for day in DAYS:
        of_day = figures_of_queues(by_start, day=day), figures_of_agents(by_start, day=day)
        assert {row["day"] for rows in of_day for row in rows} <= {day}
        for rows in of_day:
            handled = [row["value"] for row in expected[day] if row["name"] == "tHandle"]
            assert sum(row["handled"] for row in rows) == len(handled)
            assert sum(row["handle_seconds"] for row in rows) == pytest.approx(sum(handled) / 1000)
        queues += of_day[0]
        agents += of_day[1]
    for name, (number, seconds) in TOTALS.items():
        values = [row["value"] for rows in expected.values() for row in rows if row["name"] == name]
        assert sum(row[number] for row in queues) == len(values)
        assert sum(row[seconds] for row in queues) == pytest.approx(sum(values) / 1000)
    for rows, key in (
        (queues, ("interval_start", "queue_id", "media_type", "direction")),
        (agents, ("day", "user_id", "media_type")),
    ):
        assert set(Counter(tuple(row[name] for name in key) for row in rows).values()) <= {1}


def test_percentiles_are_of_all_that_was_answered_on_the_day(late):
    own = [metric("tAnswered", wait) for wait in (1_000, 2_000)]
    (row,), _ = computed(queue_performance, {DAY: own}, late([back(3)], [3_000, 4_000, 90_000]))
    assert (row["answered"], row["answer_seconds_median"]) == (5, 3)
    assert row["answer_seconds_p95"] == pytest.approx(4 + 0.8 * 86)


@pytest.mark.parametrize("asset", [queue_performance, agent_performance], ids=["queues", "agents"])
def test_where_a_day_was_swept_older_conversations_are_those_of_the_sweep(late, asset):
    metrics = {back(1): [metric("tAnswered", 1_000, user="u1")], DAY: [metric("tAnswered", 1_000, user="u1")]}
    rows, said = computed(asset, metrics, late([back(40), back(2), DAY, back(-1)]))
    assert sum(row["answered"] for row in rows) == 1 + 2
    assert sum(row["handled"] for row in rows) == 2
    assert (said["days_read"], said["late_activity_read"]) == ([str(DAY)], True)


@pytest.mark.parametrize("asset", [queue_performance, agent_performance], ids=["queues", "agents"])
def test_where_it_was_not_they_are_those_of_the_fourteen_days_before_that_are_there(asset):
    ages = (-1, 0, 1, 13, 14, 15)
    metrics = {
        back(age): [
            metric("tHandle", 1_000, user="u1"),
            metric("tHandle", 1, "09:10", user="u1", day=back(age)),
        ]
        for age in ages
    }
    rows, said = computed(asset, metrics, {"late_activity": {}})
    assert sum(row["handled"] for row in rows) == 5
    assert said["days_read"] == [str(back(age)) for age in (14, 13, 1, 0)]
    assert said["late_activity_read"] is False


def test_how_many_days_before_is_configuration():
    org = GenesysCloud(figures_days_back=2, parts=("reference", "tables", "performance"))
    queues, *_ = performance(org)
    metrics = {back(age): [metric("tHandle", 1_000)] for age in (0, 1, 2, 3)}
    _, said = computed(queues, metrics)
    assert said["days_read"] == [str(back(age)) for age in (2, 1, 0)]
    mapping = queues.get_partition_mapping(dg.AssetKey("session_metrics"))
    assert (mapping.start_offset, mapping.end_offset) == (-2, 0)
    assert dg.AssetKey("late_activity") not in queues.dependency_keys
    assert "late_activity" not in said["columns_made_of"]


@pytest.mark.parametrize(
    ("start", "end", "is_read"),
    [
        (None, None, True),
        ("2026-05-12T00:00:00+00:00", "2026-05-13T00:00:00+00:00", True),
        ("2026-05-09T00:00:00+00:00", "2026-05-13T00:00:00+00:00", True),
        ("2026-05-12T04:00:00+00:00", "2026-05-13T04:00:00+00:00", False),
        ("2026-05-09T22:00:00+00:00", "2026-05-12T22:00:00+00:00", False),
        ("2026-05-12T23:00:00+00:00", "2026-05-13T00:00:00+00:00", False),
    ],
)
def test_a_sweep_by_other_bounds_than_those_of_the_day_is_not_read(late, start, end, is_read):
    metrics = {DAY: [], back(1): [metric("tHandle", 1_000)] * 7}
    (row,), said = computed(queue_performance, metrics, late([back(3)], start=start, end=end))
    assert said["late_activity_read"] is is_read
    assert row["handled"] == (1 if is_read else 7)


def test_holes_and_days_without_a_sweep_stop_nothing_in_the_lake(stored, put, read):
    put("session_metrics", [metric("nOffered")], SESSION_METRICS, back(2))
    table, days = stored("queue_performance", [metric("nOffered")], metadata="days_read")
    assert table["offered"].to_pylist() == [2]
    assert days == [str(back(2)), str(DAY)]


@pytest.mark.parametrize("days", [[DAY], [back(1), DAY]])
def test_a_day_whose_own_metrics_are_not_there_is_refused_and_named(environment, put, names, days, lake):
    put("session_metrics", [metric("nOffered")], SESSION_METRICS, back(1))
    outcome = materialized([queue_performance], days)
    assert not outcome.success
    assert (
        f"session_metrics has no {DAY} in the lake: materialize it, then queue_performance" in outcome.failure
    )
    assert "queue_performance" not in str(lake.keys())


def test_days_in_one_run_are_those_of_a_run_each(environment, put, names, lake):
    days = [back(2), back(1), DAY]
    for day in days:
        put(
            "session_metrics",
            [metric("tHandle", 1_000, day=it, user="u1") for it in days if it >= day],
            SESSION_METRICS,
            day,
        )

    def bodies():
        keys = [key for key in list(lake.keys()) if "_performance" in key]
        return {key: lake.client.get_object(Bucket=lake.bucket, Key=key)["Body"].read() for key in keys}

    assert materialized([queue_performance, agent_performance], days).success
    in_one_run = bodies()
    assert len(in_one_run) == 6
    for day in days:
        assert materialized([queue_performance, agent_performance], day).success
    assert bodies() == in_one_run


def test_a_week_is_unique_by_its_key_whatever_its_days_have_been_made_of(put, weekly):
    monday = back(8)
    assert monday.weekday() == 0
    week = [monday + timedelta(days=number) for number in range(7)]
    for day in week:  # as an older version has left them: rows of the day before and of the day after, too
        rows = [
            row
            for it in (day, day + timedelta(days=1))
            for row in figures_of_queues([metric("nOffered", day=it)], day=it)
        ]
        put("queue_performance", rows, QUEUE_PERFORMANCE, day)
    _, (row,) = weekly(monday)
    assert (row["week"], row["offered"]) == (monday, 7)
