"""`queue_performance`: each figure by its definition, each metric in its half hour."""

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import queue_performance
from genesys_dagster_tests.performance.conftest import QUEUES, materialized, metric
from genesys_dagster_tests.performance.conftest import figures_of_queues as figures
from genesys_dagster_tests.schemas import (
    AGENT_PERFORMANCE,
    QUEUE_PERFORMANCE,
    QUEUE_PERFORMANCE_WEEKLY,
    SESSION_METRICS,
)


def only(rows, **config):
    """The one row that the metrics make."""
    (row,) = figures(rows, **config)
    return row


def test_volumes_count_what_happened():
    row = only(
        [
            *[metric("nOffered")] * 5,
            metric("tAnswered", 4_000),
            metric("tAnswered", 9_000),
            metric("tAbandon", 3_000),
            metric("tShortAbandon", 3_000),
            metric("tAbandon", 40_000),
            metric("tFlowOut", 60_000),
        ]
    )
    assert {
        name: row[name] for name in ("offered", "answered", "abandoned", "short_abandoned", "flowed_out")
    } == {
        "offered": 5,
        "answered": 2,
        "abandoned": 2,
        "short_abandoned": 1,
        "flowed_out": 1,
    }
    assert row["abandon_rate"] == 2 / 5


def test_times_are_seconds_with_total_mean_median_and_95th_percentile():
    waits = [1_000, 2_000, 3_000, 4_000, 90_000]
    row = only([metric("tAnswered", wait) for wait in waits] + [metric("tAbandon", wait) for wait in waits])
    for what in ("answer", "abandon"):
        assert row[f"{what}_seconds"] == 100
        assert row[f"{what}_seconds_mean"] == 20
        assert row[f"{what}_seconds_median"] == 3
        assert row[f"{what}_seconds_p95"] == pytest.approx(4 + 0.8 * 86)


def test_handle_time_and_its_parts():
    row = only(
        [
            metric("tHandle", 300_000),
            metric("tHandle", 100_000),
            metric("tTalk", 999_000),
            metric("tTalkComplete", 200_000),
            metric("tTalkComplete", 90_000),
            metric("tHeld", 999_000),
            metric("tHeldComplete", 60_500),
            metric("tAcw", 40_000),
            metric("tAcw", 10_000),
        ]
    )
    assert (row["handled"], row["handle_seconds"], row["handle_seconds_mean"]) == (2, 400, 200)
    assert (row["talk_count"], row["talk_seconds"], row["talk_seconds_mean"]) == (2, 290, 145)
    assert (row["hold_count"], row["hold_seconds"], row["hold_seconds_mean"]) == (1, 60.5, 60.5)
    assert (row["acw_count"], row["acw_seconds"], row["acw_seconds_mean"]) == (2, 50, 25)


@pytest.mark.parametrize(
    ("name", "count", "seconds"),
    [
        ("tAnswered", "answered", "answer"),
        ("tAbandon", "abandoned", "abandon"),
        ("tHandle", "handled", "handle"),
        ("tTalkComplete", "talk_count", "talk"),
        ("tHeldComplete", "hold_count", "hold"),
        ("tAcw", "acw_count", "acw"),
    ],
)
def test_a_metric_without_value_counts_neither_in_a_number_nor_in_a_mean(name, count, seconds):
    row = only([metric(name, 10_000), metric(name, None)])
    assert (row[count], row[f"{seconds}_seconds"], row[f"{seconds}_seconds_mean"]) == (1, 10, 10)


def test_metrics_without_values_make_no_rows():
    assert figures([metric(name, None) for name in ("nOffered", "tAnswered", "tFlowOut", "tHandle")]) == []


def test_transfers_and_over_sla_add_up_the_counters():
    row = only(
        [
            metric("nTransferred"),
            metric("nTransferred", 2),
            metric("nBlindTransferred", 2),
            metric("nConsultTransferred"),
            metric("nOverSla", 3),
        ]
    )
    assert (row["transferred"], row["blind_transferred"], row["consult_transferred"]) == (3, 2, 1)
    assert row["over_sla"] == 3


def test_what_did_not_happen_is_zero_and_what_cannot_be_known_is_null():
    row = only([metric("nOffered")])
    happened = ("interval_start", "day", "half_hour", "queue_id", "queue_name", "media_type", "direction")
    values = {
        name: value for name, value in row.items() if name not in {*happened, "offered", "target_seconds"}
    }
    unknown = {
        name for name in values if name.endswith(("_mean", "_median", "_p95")) or name == "service_level"
    }
    assert {name for name, value in values.items() if value is None} == unknown
    assert {name for name, value in values.items() if value == 0} == set(values) - unknown


def test_an_abandon_rate_without_offers_in_the_half_hour_is_unknown():
    assert only([metric("tAbandon", 5_000)])["abandon_rate"] is None


# ---------------------------------------------------------------------------------------------------------------------
# Service level

SERVED = [
    metric("tAnswered", 20_000),
    metric("tAnswered", 20_001),
    metric("nOverSla"),
    metric("tAbandon", 2_000),
    metric("tShortAbandon", 2_000),
    metric("tAbandon", 50_000),
    metric("tFlowOut", 50_000),
]
OF_SERVICE_LEVEL = ("target_seconds", "answered_in_target", "service_level_base", "service_level")


def queue(**seconds):
    """The queue in the snapshot, with targets of today by medium."""
    media = {medium: {"serviceLevel": {"durationMs": 1000 * target}} for medium, target in seconds.items()}
    return [{"id": "sales", "name": "Sales", "unknown_fields": json.dumps({"mediaSettings": media})}]


def test_answered_in_time_is_what_genesys_did_not_find_over_the_sla():
    row = only(SERVED)
    assert (row["answered"], row["over_sla"], row["answered_in_target"]) == (2, 1, 1)
    assert (row["service_level_base"], row["service_level"]) == (4, 1 / 4)


def test_the_service_level_is_that_of_published_aggregates():
    # Of one of the queues of a voice org: 787 answered, 373 of them over the SLA, 83 abandoned.
    served = (
        [metric("tAnswered", 1_000)] * 787 + [metric("nOverSla")] * 373 + [metric("tAbandon", 835_000)] * 83
    )
    row = only([*served, *[metric("tFlowOut", 9_000)] * 5])
    assert [row[name] for name in OF_SERVICE_LEVEL[1:]] == [414, 870, 414 / 870]


def test_a_target_that_was_changed_since_changes_nothing_of_what_was_answered_before():
    # After 25 seconds under a target of 30, which is 20 today; and the other way round.
    lowered = only([metric("tAnswered", 25_000)], queues=queue(call=20))
    raised = only([metric("tAnswered", 25_000), metric("nOverSla")], queues=queue(call=30))
    assert [(row["target_seconds"], row["service_level"]) for row in (lowered, raised)] == [(20, 1), (30, 0)]


@pytest.mark.parametrize(
    ("switches", "base"),
    [
        ({"include_short_abandons": False}, 3),
        ({"include_abandons": False}, 2),
        ({"include_abandons": False, "include_short_abandons": False}, 2),
        ({"include_flow_outs": True}, 5),
        ({"include_flow_outs": True, "include_short_abandons": False}, 4),
    ],
)
def test_the_switches_of_genesys_change_the_denominator(switches, base):
    row = only(SERVED, **switches)
    assert row["service_level_base"] == base
    assert row["service_level"] == 1 / base


@pytest.mark.parametrize("medium", ["email", "callback", "chat", "message", None])
def test_without_over_sla_and_snapshot_only_calls_are_known_to_have_a_target(medium):
    served = [metric("tAnswered", 10_000, medium=each) for each in ("voice", medium)]
    served.append(metric("tAbandon", 3_600_000, medium=medium))
    rows = {row["media_type"]: row for row in figures(served, queues=[])}
    assert [rows["voice"][name] for name in OF_SERVICE_LEVEL] == [None, 1, 1, 1]
    assert [rows[medium][name] for name in OF_SERVICE_LEVEL] == [None] * 4
    assert (rows[medium]["answered"], rows[medium]["abandoned"]) == (1, 1)


@pytest.mark.parametrize("medium", ["email", "callback", None])
def test_over_sla_in_one_queue_tells_that_genesys_judges_the_medium_in_all_of_them(medium):
    late = [metric("tAnswered", 90_000, medium=medium), metric("nOverSla", medium=medium)]
    fine = [metric("tAnswered", 90_000, "15:00", queue="service", medium=medium)]
    other = [metric("tAnswered", 90_000, "15:00", medium="other")]
    levels = [row["service_level"] for row in figures([*late, *fine, *other], queues=[])]
    assert levels == [0, None, 1]


@pytest.mark.parametrize(
    ("medium", "level"), [("email", 1), ("message", None), ("callback", None), (None, None)]
)
def test_a_target_of_today_tells_that_nothing_was_too_late_but_for_callbacks(medium, level):
    row = only([metric("tAnswered", 90_000, medium=medium)], queues=queue(email=60, callback=60))
    assert row["service_level"] == level


ALL_AT_ONCE = [metric("tAnswered", 25_000, medium=medium) for medium in ("voice", "email", "new / medium")]


def targets_and_levels(**config):
    rows = figures([*ALL_AT_ONCE, metric("nOverSla")], queues=queue(call=30), **config)
    return {row["media_type"]: (row["target_seconds"], row["service_level"]) for row in rows}


def test_a_configured_target_goes_before_what_genesys_says():
    assert targets_and_levels() == {"voice": (30, 0), "email": (None, None), "new / medium": (None, None)}
    assert targets_and_levels(target_seconds=25, target_seconds_of_media={"email": 24}) == {
        "voice": (25, 1),
        "email": (24, 0),
        "new / medium": (25, 1),
    }


def test_where_no_target_is_known_the_configured_one_holds():
    assert targets_and_levels(fallback_target_seconds=26) == {
        "voice": (30, 0),
        "email": (26, 1),
        "new / medium": (26, 1),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Where things count


def test_a_metric_counts_in_the_half_hour_in_which_it_was_emitted():
    rows = figures(
        [
            metric("nOffered", at="07:28"),
            metric("tAnswered", 240_000, at="07:32"),
            metric("nOffered", at="07:30"),
        ]
    )
    assert [(row["half_hour"], row["offered"], row["answered"]) for row in rows] == [
        ("07:00", 1, 0),
        ("07:30", 1, 1),
    ]
    assert [row["interval_start"] for row in rows] == [
        datetime(2026, 5, 12, 7, 0, tzinfo=UTC),
        datetime(2026, 5, 12, 7, 30, tzinfo=UTC),
    ]


def test_queues_media_and_directions_are_kept_apart():
    rows = figures(
        [
            metric("nOffered"),
            metric("nOffered", queue="service"),
            metric("nOffered", medium="chat"),
            metric("nOffered", direction="outbound"),
            metric("nOffered", medium=None, direction=None),
        ]
    )
    assert [row["offered"] for row in rows] == [1] * 5
    assert len({(row["queue_id"], row["media_type"], row["direction"]) for row in rows}) == 5


def test_queues_have_their_names_and_unknown_queues_none():
    rows = figures([metric("nOffered"), metric("nOffered", queue="deleted long ago")])
    assert {row["queue_id"]: row["queue_name"] for row in rows} == {
        "sales": "Sales",
        "deleted long ago": None,
    }


def test_a_queue_that_is_listed_twice_does_not_double_figures():
    assert only([metric("nOffered")], queues=QUEUES * 2)["offered"] == 1


def test_metrics_outside_queues_and_of_other_names_make_no_rows():
    assert figures([metric("tHandle", 5, queue=None), metric("tIvr", 5), metric("nConnected")]) == []


def test_a_metric_without_a_time_makes_no_row_and_is_counted_as_left_out(stored):
    without = [
        metric("nOffered", at=None),
        metric("tAnswered", None),
        metric("nOffered", at=None, queue=None),
    ]
    table, left_out = stored("queue_performance", [metric("nOffered"), *without], metadata="metrics_left_out")
    assert table["offered"].to_pylist() == [1]
    assert left_out == 2


@pytest.mark.parametrize(
    "wrong",
    [{"target_seconds": 0}, {"target_seconds_of_media": {"voice": -5}}, {"fallback_target_seconds": -1}],
)
def test_a_target_that_is_no_time_is_refused_by_name(wrong):
    with pytest.raises(dg.Failure, match=next(iter(wrong))):
        figures([metric("nOffered")], **wrong)


@given(
    st.lists(
        st.builds(
            metric,
            st.sampled_from(["nOffered", "tAnswered", "tAbandon", "tHandle"]),
            st.integers(0, 10**7),
            st.integers(0, 86_399).map(
                lambda seconds: datetime(2026, 5, 12, tzinfo=UTC) + timedelta(seconds=seconds)
            ),
            queue=st.sampled_from(["sales", "service"]),
            medium=st.sampled_from(["voice", "email", None]),
        ),
        max_size=30,
    )
)
@settings(max_examples=20, deadline=None)
def test_nothing_is_lost_or_counted_twice(metrics):
    rows = figures(metrics)
    for name, column, seconds in (
        ("tAnswered", "answered", "answer_seconds"),
        ("tAbandon", "abandoned", "abandon_seconds"),
        ("tHandle", "handled", "handle_seconds"),
    ):
        values = [row["value"] for row in metrics if row["name"] == name]
        assert sum(row[column] for row in rows) == len(values)
        total = sum(row[seconds] for row in rows)
        assert total == pytest.approx(sum(values) / 1000)
    keys = [(row["interval_start"], row["queue_id"], row["media_type"], row["direction"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        assert row["interval_start"].minute in {0, 30}
        assert row["media_type"] != "voice" or row["answered_in_target"] == row["answered"]


def test_half_hours_are_those_of_the_clock_on_the_wall():
    # Five hours and three quarters before UTC.
    (row,) = figures([metric("nOffered", at="23:10")], timezone="Asia/Kathmandu", day=date(2026, 5, 13))
    assert (row["day"], row["half_hour"]) == (date(2026, 5, 13), "04:30")
    assert row["interval_start"] == datetime(2026, 5, 12, 22, 45, tzinfo=UTC)


def test_the_hour_that_comes_twice_is_two_hours():
    night = date(2026, 10, 25)
    offered = [metric("nOffered", at=at, day=night) for at in ("00:10", "01:10", "02:10")]
    rows = figures(offered, timezone="Europe/Berlin", day=night)
    assert [(row["half_hour"], row["interval_start"].hour) for row in rows] == [
        ("02:00", 0),
        ("02:00", 1),
        ("03:00", 2),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# In the lake


def test_an_empty_day_has_the_same_schema(stored):
    table = stored("queue_performance", [])
    assert (len(table), table.schema) == (0, QUEUE_PERFORMANCE)


def test_the_figures_of_a_day_lie_in_its_partition(stored):
    table = stored("queue_performance", [metric("nOffered")], config={"target_seconds": 30})
    (row,) = table.to_pylist()
    assert table.schema.equals(QUEUE_PERFORMANCE)
    assert (row["offered"], row["queue_name"], row["target_seconds"]) == (1, "Sales", 30)


def test_a_run_over_several_days_keeps_each_in_its_partition(environment, put, names, read):
    days = [DAY, DAY + timedelta(days=1)]
    for number, day in enumerate(days, 1):
        put("session_metrics", [metric("nOffered", number, day=day)], SESSION_METRICS, day)
    outcome = materialized([queue_performance], days)
    assert outcome.success, outcome.failure
    assert [read("queue_performance", day)["offered"].to_pylist() for day in days] == [[1], [2]]


def test_every_column_is_described():
    for schema in (QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY, AGENT_PERFORMANCE):
        assert all(field.metadata[b"description"] for field in schema)
