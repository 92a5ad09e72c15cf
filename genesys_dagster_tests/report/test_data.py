"""What the report is about: which days, what they add up to, what they are compared with."""

import pytest

from genesys_dagster.report.figures import Figures
from genesys_dagster.report.window import Window, outdated
from genesys_dagster_tests.report.conftest import LAST, agent_row, back, partitions, queue_row, report_data
from genesys_dagster_tests.schemas import QUEUE_PERFORMANCE


def test_the_report_ends_with_the_last_day_in_the_lake_and_has_thirty():
    data = report_data({LAST: [], back(3): []})
    assert (data.window.first, data.window.last) == (back(29), LAST)
    assert len(data.window.days) == 30
    assert data.days_now == 2


def test_days_are_added_up_and_older_ones_are_the_comparison():
    data = report_data({back(n): [queue_row(back(n), offered=n)] for n in (0, 1, 29, 30, 59, 60, 400)})
    assert data.now.offered == 0 + 1 + 29
    assert data.before.offered == 30 + 59
    assert (data.days_now, data.days_before) == (3, 2)


def test_rows_of_other_days_in_partitions_of_before_count_nothing_twice():
    before = [queue_row(back(1), offered=3), queue_row(LAST, offered=9), queue_row(back(-1), offered=9)]
    data = report_data({back(1): before, LAST: [queue_row(offered=1)]})
    assert [(day, figures.offered) for day, figures in data.by_day.items()] == [(back(1), 3), (LAST, 1)]


def test_partitions_of_before_are_told():
    schema = QUEUE_PERFORMANCE.set(
        QUEUE_PERFORMANCE.get_field_index("day"),
        QUEUE_PERFORMANCE.field("day").with_metadata({"description": "Day."}),
    )
    days = {back(number): [] for number in (70, 3, 2)}
    of_before, of_now = partitions(days, schema), partitions({back(1): [], LAST: []}, QUEUE_PERFORMANCE)
    assert outdated(of_before | of_now, Window.of([str(LAST), *of_before])) == [str(back(3)), str(back(2))]


def test_a_day_without_rows_is_zero_and_a_day_that_is_not_there_is_unknown():
    data = report_data({LAST: [], back(2): []})
    assert data.by_day[back(2)] == Figures()
    assert back(1) not in data.by_day


def test_work_of_agents_on_a_day_that_is_not_in_the_lake_counts_nowhere():
    agents = {back(1): [agent_row(back(1), handled=8)], LAST: [agent_row(handled=4)]}
    assert report_data({back(2): [], LAST: []}, agents).agents["handled"].sum() == 4


def test_metrics_without_a_time_are_in_no_day():
    data = report_data({LAST: [queue_row(None, offered=9)]})
    assert data.now == Figures()


def test_rates_are_made_of_sums_not_of_rates():
    data = report_data(
        {
            LAST: [
                queue_row(answered_in_target=1, service_level_base=1, handled=1, handle_seconds=100),
                queue_row(answered_in_target=0, service_level_base=9, handled=9, handle_seconds=9_000),
            ]
        }
    )
    assert data.now.service_level == 1 / 10
    assert data.now.handle_mean == 910


def test_interactions_without_a_target_are_in_no_service_level():
    unknown = {"target_seconds": None, "answered_in_target": None, "service_level_base": None}
    calls, mails = (
        queue_row(answered=2, answered_in_target=1, service_level_base=2),
        {"answered": 9, **unknown},
    )
    data = report_data(
        {LAST: [calls, queue_row(medium="email", **mails)], back(1): [queue_row(back(1), **mails)]}
    )
    assert (data.now.answered, data.now.service_level) == (20, 1 / 2)
    assert data.by_day[back(1)].service_level is None


def test_rates_of_nothing_are_unknown():
    nothing = Figures()
    rates = ("service_level", "abandon_rate", "transfer_rate", "answer_mean", "handle_mean")
    assert [getattr(nothing, rate) for rate in rates] == [None] * 5


def test_the_usual_is_the_same_weekday_of_the_four_weeks_before():
    offered = {0: 1_000, 1: 1, 7: 7, 14: 14, 28: 28, 35: 35}
    data = report_data({back(n): [queue_row(back(n), offered=number)] for n, number in offered.items()})
    assert data.usual(LAST).offered == 7 + 14 + 28
    assert data.usual_days(LAST) == 3
    assert data.usual(back(2)) is None


def test_half_hours_are_told_by_weekday():
    data = report_data(
        {
            LAST: [queue_row(offered=4), queue_row(offered=1, half_hour="09:30")],
            back(7): [queue_row(back(7), offered=2)],
            back(1): [queue_row(back(1), offered=1)],
        }
    )
    assert {slot: figures.offered for slot, figures in data.by_half_hour.items()} == {
        (0, "09:00"): 1,
        (1, "09:00"): 6,
        (1, "09:30"): 1,
    }
    assert data.weekdays == {0: 1, 1: 2}


def test_weeks_begin_on_monday_and_say_how_many_days_they_have():
    data = report_data({back(n): [queue_row(back(n), offered=1)] for n in range(10)})
    assert [(monday.isoformat(), days, week.offered) for monday, (days, week) in data.by_week.items()] == [
        ("2026-04-27", 1, 1),
        ("2026-05-04", 7, 7),
        ("2026-05-11", 2, 2),
    ]


def test_a_queue_has_its_last_known_name():
    data = report_data(
        {
            back(2): [queue_row(back(2), name="Old")],
            back(1): [queue_row(back(1), name="New")],
            LAST: [queue_row(name=None), queue_row(queue="q2", name=None)],
        }
    )
    assert data.queue_names == {"sales": "New"}


@pytest.mark.parametrize("keys", [["queue_id"], ["queue_id", "media_type"]])
def test_no_figure_is_lost_in_groups_not_even_of_unknown_media(keys):
    data = report_data(
        {LAST: [queue_row(offered=1), queue_row(offered=2, medium=None), queue_row(offered=3, queue="q2")]}
    )
    grouped = Figures.by(data.now_rows, keys)
    assert sum(figures.offered for figures in grouped.values()) == data.now.offered == 6
