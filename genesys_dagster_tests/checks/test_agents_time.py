"""What counts as a difference between a day's seconds and Genesys Cloud's own, value by value."""

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.checks.agents_time import ALL, Ours, compare, our_time
from genesys_dagster.checks.user_aggregates import judge
from genesys_dagster.genesys.user_aggregates import DEFINITION, PRESENCE, ROUTING, Category, UserAggregates
from genesys_dagster.records.user_status import PERIODS, of_kind
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import DAYS
from genesys_dagster_tests.schemas import AGENT_STATUS_DAILY

WINDOW = DAYS.window(str(DAY))
LENGTH = 86_400.0
OFFLINE = "ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5"


def meal(user="u"):
    return Category(user, PRESENCE, "MEAL")


def ours(seconds, open_=None, unknown=0.0):
    users = {(category.user, metric) for category in seconds for metric in (PRESENCE, DEFINITION, ROUTING)}
    return Ours(dict(seconds), dict(open_ or {}), dict.fromkeys(users, unknown))


def verdict(mine, theirs, **more):
    """`passed` or the severity, and the comparison."""
    milliseconds = {category: seconds * 1_000 for category, seconds in theirs.items()}
    comparison = compare(mine, UserAggregates(milliseconds, **more), WINDOW)
    finding = judge(comparison, {})
    return "passed" if finding.passed else finding.severity.value, comparison


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        (3_600, 3_600, "passed"),
        (3_600, 3_720, "passed"),
        (3_600, 3_721, "WARN"),
        (3_720, 3_600, "passed"),
        (3_721, 3_600, "WARN"),
        (29_400, 30_000, "passed"),
        (29_390, 30_000, "WARN"),
        (30_000, 29_400, "passed"),
        (30_000, 29_390, "WARN"),
        (119, 0, "WARN"),  # lost everywhere, however little of it there is
        (0, 119, "WARN"),
    ],
)
def test_two_minutes_or_two_percent_are_no_difference_either_way(mine, theirs, said):
    other = {meal("other"): 0.0}
    assert verdict(ours({meal(): float(mine)} | other), {meal(): theirs})[0] == said


@given(ended=st.floats(0, LENGTH), open_=st.floats(0, LENGTH), share=st.floats(0, 1))
def test_anything_from_the_ended_periods_alone_to_all_of_them_agrees(ended, open_, share):
    mine = ours({meal(): ended + open_}, {meal(): open_})
    assert verdict(mine, {meal(): ended + share * open_})[0] == "passed"
    assert verdict(mine, {meal(): (ended + open_) * 1.03 + 121})[0] == "WARN"


def test_what_each_user_has_too_little_of_to_tell_is_seen_in_all_of_them_together():
    users = [str(number) for number in range(20)]
    mine = ours({meal(user): 600.0 for user in users})
    assert verdict(mine, {meal(user): 600.0 for user in users})[0] == "passed"
    said, comparison = verdict(mine, {meal(user): 550.0 for user in users})
    assert (said, [value.category.user for value in comparison.differences]) == ("WARN", [ALL])


def test_time_of_which_nothing_is_known_here_proves_that_periods_are_missing():
    mine = ours({meal(): 600.0}, unknown=1_800.0)
    said, comparison = verdict(mine, {meal(): 2_400.0})
    assert (said, comparison.missing) == ("ERROR", ["u"])
    said, comparison = verdict(ours({meal(): 600.0}), {meal(): 2_400.0})
    assert (said, comparison.missing) == ("WARN", [])


def test_a_user_whom_only_one_side_knows_is_named():
    said, comparison = verdict(ours({meal(): 600.0}), {meal(): 600.0, meal("x"): 3_600.0})
    assert (said, comparison.missing, comparison.only_theirs) == ("ERROR", ["x"], ["x"])
    said, comparison = verdict(ours({meal(): 600.0, meal("x"): 3_600.0}), {meal(): 600.0})
    assert (said, comparison.only_ours) == ("WARN", ["x"])


def test_at_most_ten_users_are_named():
    mine = ours({meal(): 600.0})
    milliseconds = {meal(str(number)): 3_600_000.0 for number in range(30)}
    figures = judge(compare(mine, UserAggregates(milliseconds), WINDOW), {}).figures
    assert figures["users_only_in_aggregates"].count(",") == 9
    assert figures["users_only_in_aggregates"].endswith("and 20 more")
    assert len(figures["differences"].records) == 10


def test_one_status_through_a_day_of_which_nothing_is_known_is_no_difference_but_counted():
    on_queue = Category("x", PRESENCE, "ON_QUEUE")
    said, comparison = verdict(ours({meal(): 600.0}), {meal(): 600.0, on_queue: LENGTH})
    assert (said, comparison.whole_days, comparison.only_theirs) == ("passed", 1, [])
    said, comparison = verdict(ours({meal(): 600.0}), {meal(): 600.0, on_queue: LENGTH - 600})
    assert (said, comparison.missing) == ("ERROR", ["x"])
    known = ours({meal(): 600.0, Category("x", PRESENCE, "BUSY"): LENGTH})
    assert verdict(known, {meal(): 600.0, on_queue: LENGTH})[0] == "WARN"


@pytest.mark.parametrize(
    ("category", "more"),
    [
        (Category("u", PRESENCE, "OFFLINE"), {}),
        (Category("u", DEFINITION, OFFLINE), {}),
        (Category("u", DEFINITION, "own"), {"definitions": {"OFFLINE": {"own"}}}),
    ],
)
def test_offline_is_shown_and_not_judged(category, more):
    said, comparison = verdict(ours({category: 20_000.0}), {category: 100.0}, **more)
    assert (said, comparison.compared) == ("passed", 0)
    (shown,) = comparison.categories
    assert (shown.ours, shown.theirs, shown.is_judged) == (20_000.0, 100.0, False)


def test_a_refused_metric_is_not_compared_and_a_status_without_a_column_is():
    mine = ours({meal(): 600.0, Category("u", DEFINITION, "d"): 600.0})
    assert verdict(mine, {meal(): 600.0}, refused=(DEFINITION,))[0] == "passed"
    assert verdict(mine, {meal(): 600.0})[0] == "WARN"
    assert (
        verdict(ours({meal(): 600.0}), {meal(): 600.0, Category("u", PRESENCE, "LUNCH"): 900.0})[0] == "WARN"
    )


def period(user, kind, start, end, status, definition=None):
    """Start and end in hours after the day's midnight."""
    column = "system_presence" if kind == "presence" else "routing_status"
    return {
        "kind": kind,
        "user_id": user,
        "start_time": WINDOW.start + timedelta(hours=start),
        "end_time": None if end is None else WINDOW.start + timedelta(hours=end),
        column: status,
        "organization_presence_id": definition,
    }


def taken(daily, periods):
    rows = pa.Table.from_pylist([row for row in periods if row["start_time"] >= WINDOW.start], schema=PERIODS)
    late = pa.Table.from_pylist([row for row in periods if row["start_time"] < WINDOW.start], schema=PERIODS)
    figures = [{"unknown_presence_seconds": 0.0, "unknown_routing_seconds": 0.0} | row for row in daily]
    return our_time(
        pa.Table.from_pylist(figures, schema=AGENT_STATUS_DAILY),
        of_kind(rows, "presence"),
        of_kind(rows, "routing_status"),
        late,
        WINDOW,
    )


def test_what_is_open_is_the_last_period_of_a_user_without_an_end():
    hour = 3_600.0
    found = taken(
        [
            {
                "user_id": "u",
                "meal_seconds": 3 * hour,
                "busy_seconds": hour,
                "idle_seconds": 2 * hour,
                "presence_definition_seconds": [("d", 3 * hour), ("e", hour)],
            },
            {"user_id": "v", "on_queue_seconds": 24 * hour, "interacting_seconds": 5 * hour},
        ],
        [
            period("u", "presence", 9, 10, "MEAL", "d"),
            period(
                "u", "presence", 20, None, "BUSY", "e"
            ),  # ended when the next one began, only that is not told
            period("u", "presence", 22, None, "MEAL", "d"),
            period("u", "routing_status", 22, 24, "IDLE"),
            period("v", "routing_status", -3, 5, "INTERACTING"),
        ],
    )
    assert found.open == {
        meal(): 2 * hour,
        Category("u", DEFINITION, "d"): 2 * hour,
        # Told neither with this day: it began before it, and has not ended on it.
        Category("v", PRESENCE, "ON_QUEUE"): 24 * hour,
    }
    assert found.seconds[Category("u", PRESENCE, "BUSY")] == hour
    assert found.seconds[Category("v", ROUTING, "INTERACTING")] == 5 * hour


def test_an_open_period_of_a_day_before_counts_from_midnight_and_what_has_no_status_does_not_matter():
    found = taken(
        [{"user_id": "u", "away_seconds": LENGTH}],
        [period("u", "presence", -30, None, "AWAY"), period("u", "routing_status", 3, None, None)],
    )
    assert found.open[Category("u", PRESENCE, "AWAY")] == LENGTH


def test_definitions_that_mean_offline_are_those_that_the_periods_have_so():
    found = taken(
        [], [period("u", "presence", 1, 2, "OFFLINE", "ours"), period("u", "presence", 2, 3, "MEAL", "m")]
    )
    assert found.offline == {"ours", OFFLINE}
