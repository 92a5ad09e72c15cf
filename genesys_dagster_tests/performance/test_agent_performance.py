"""`agent_performance`: what each agent did, by day and medium."""

from datetime import date

from genesys_dagster_tests.performance.conftest import figures_of_agents as figures
from genesys_dagster_tests.performance.conftest import metric
from genesys_dagster_tests.schemas import AGENT_PERFORMANCE


def test_handling_and_its_parts_are_added_up():
    (row,) = figures(
        [
            metric("tAlert", 4_000, user="u1"),
            metric("tAnswered", 9_000, user="u1"),
            metric("tContacting", 1_000, user="u1"),
            metric("tDialing", 2_000, user="u1"),
            metric("tTalkComplete", 100_000, user="u1"),
            metric("tHeldComplete", 20_000, user="u1"),
            metric("tAcw", 30_000, user="u1"),
            metric("tHandle", 153_000, user="u1"),
        ]
    )
    assert (row["alerted"], row["alert_seconds"], row["answered"]) == (1, 4, 1)
    assert (row["handled"], row["handle_seconds"], row["handle_seconds_mean"]) == (1, 153, 153)
    parts = ("contacting", "dialing", "talk", "hold", "acw")
    assert [row[f"{part}_seconds"] for part in parts] == [1, 2, 100, 20, 30]


def test_a_metric_without_value_counts_neither_in_a_number_nor_in_a_mean():
    names = ("tAlert", "tNotResponding", "tAnswered", "tHandle", "tTalkComplete", "tHeldComplete", "tAcw")
    (row,) = figures([metric(name, value, user="u1") for name in names for value in (10_000, None)])
    counts = ("alerted", "not_responding", "answered", "handled", "talk_count", "hold_count", "acw_count")
    assert [row[count] for count in counts] == [1] * 7
    assert [row[f"{part}_seconds_mean"] for part in ("handle", "talk", "hold", "acw")] == [10] * 4


def test_a_metric_without_a_time_makes_no_row_and_is_counted_as_left_out(stored):
    rows = [metric("tHandle", 1_000, at, user=user) for at in ("09:00", None) for user in ("u1", None)]
    table, left_out = stored("agent_performance", rows, metadata="metrics_left_out")
    assert table["handled"].to_pylist() == [1]
    assert left_out == 1


def test_alerts_that_ran_out_transfers_and_outbound_are_counted():
    (row,) = figures(
        [
            metric("tAlert", 8_000, user="u1"),
            metric("tNotResponding", 8_000, user="u1"),
            metric("nTransferred", user="u1"),
            metric("nBlindTransferred", user="u1"),
            metric("nConsult", 2, user="u1"),
            metric("nOutbound", 3, user="u1"),
            metric("nOutboundConnected", 2, user="u1"),
        ]
    )
    names = ("not_responding", "transferred", "blind_transferred", "consult_transferred", "consulted")
    assert [row[name] for name in names] == [1, 1, 1, 0, 2]
    assert (row["not_responding_seconds"], row["outbound"], row["outbound_connected"]) == (8, 3, 2)
    assert (row["handled"], row["handle_seconds"], row["handle_seconds_mean"]) == (0, 0, None)


def test_work_outside_queues_counts_for_the_agent():
    (row,) = figures([metric("tHandle", 60_000, user="u1", queue=None)])
    assert row["handled"] == 1


def test_days_agents_and_media_are_kept_apart_and_named():
    rows = figures(
        [
            metric("tHandle", 1_000, user="u1"),
            metric("tHandle", 1_000, user="u1", medium="chat"),
            metric("tHandle", 1_000, user="left the company"),
            metric("tHandle", 1_000, user=None),
        ]
    )
    assert {(row["day"], row["user_id"], row["user_name"], row["media_type"]) for row in rows} == {
        (date(2026, 5, 12), "u1", "First Agent", "voice"),
        (date(2026, 5, 12), "u1", "First Agent", "chat"),
        (date(2026, 5, 12), "left the company", None, "voice"),
    }
    assert [row["handled"] for row in rows] == [1] * 3


def test_an_empty_day_has_the_same_schema(stored):
    table = stored("agent_performance", [])
    assert (len(table), table.schema) == (0, AGENT_PERFORMANCE)
