"""The refresh plan and its configuration."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.org.plan import RefreshPlan

END = datetime(2026, 3, 30, 22, tzinfo=UTC)

PLANS = st.builds(
    RefreshPlan,
    st.lists(st.integers(1, 40), max_size=4, unique=True).map(lambda days: tuple(sorted(days))),
    st.integers(0, 40),
    st.integers(0, 200),
)
HOURS = st.integers(0, 250 * 24)


@given(PLANS, HOURS, HOURS, st.booleans())
def test_a_pull_satisfies_every_step_up_to_it(plan, known, later, is_settled):
    now = END + timedelta(hours=max(known, later))
    step = plan.step_due(END, now, is_settled, now)
    assert step is None


@given(PLANS, HOURS, HOURS, st.booleans())
def test_a_due_step_lies_between_the_last_pull_and_now(plan, known, later, is_settled):
    known_until, now = END + timedelta(hours=known), END + timedelta(hours=max(known, later))
    step = plan.step_due(END, known_until, is_settled, now)
    assert step is None or known_until < step <= now


@given(PLANS, HOURS, HOURS, st.booleans())
def test_when_the_plan_is_over_nothing_is_ever_due(plan, known, later, is_settled):
    known_until = END + timedelta(hours=known)
    if plan.is_over(END, known_until, is_settled):
        assert plan.step_due(END, known_until, is_settled, known_until + timedelta(hours=later)) is None


PLAN = RefreshPlan((1, 4, 14), 30, 365)


@pytest.mark.parametrize(
    ("open_conversations", "ended", "known", "is_settled"),
    [
        (1, None, 14, False),
        (0, None, 14, True),
        (0, 0, 14, True),
        (0, 1, 14, True),  # the day after is what the last step is for
        (0, 2, 14, False),
        (0, 2, 16, True),
        (0, 40, 44, False),
        (0, 40, 74, True),
    ],
)
def test_a_day_is_settled_once_its_late_ends_are_two_weeks_past(open_conversations, ended, known, is_settled):
    latest_end = None if ended is None else END + timedelta(days=ended)
    known_until = END + timedelta(days=known)
    assert PLAN.is_settled(END, known_until, open_conversations, latest_end) is is_settled


def test_an_empty_plan_that_ignores_open_conversations_asks_for_nothing():
    assert RefreshPlan((), 0).step_due(END, END, False, END + timedelta(days=500)) is None


@pytest.mark.parametrize("days", [(0, 1), (4, 1), (1, 1)])
def test_days_that_do_not_ascend_from_1_make_no_plan(days):
    with pytest.raises(ValueError, match="ascend"):
        RefreshPlan(days)


def test_the_plan_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("GENESYS_REFRESH_AFTER_DAYS", "2, 7")
    monkeypatch.setenv("GENESYS_REFRESH_OPEN_EVERY_DAYS", "10")
    monkeypatch.setenv("GENESYS_REFRESH_OPEN_FOR_DAYS", "90")
    assert GenesysCloud.from_environment().plan == RefreshPlan((2, 7), 10, 90)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GENESYS_REFRESH_AFTER_DAYS", "soon"),
        ("GENESYS_REFRESH_AFTER_DAYS", "4,1"),
        ("GENESYS_REFRESH_OPEN_EVERY_DAYS", "-1"),
        ("GENESYS_REFRESH_OPEN_FOR_DAYS", "1.5"),
        ("GENESYS_RETENTION_DAYS", "0"),
        ("GENESYS_REQUIRED_DAYS", "all"),
        ("GENESYS_AUTOMATION", "maybe"),
        ("GENESYS_DEADLINE", "25:00"),
        ("GENESYS_PARTITIONS_START", "yesterday"),
        ("GENESYS_TIMEZONE", "Mars/Olympus"),
        ("GENESYS_TIMEZONE", "../etc"),
        ("GENESYS_TIMEZONE", "America"),
        ("GENESYS_DAYS_PER_RUN", "0"),
        ("GENESYS_DAYS_PER_RUN", "-1"),
        ("GENESYS_DAYS_PER_RUN", "a week"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=variable):
        GenesysCloud.from_environment().check()


@pytest.mark.parametrize(("value", "status"), [("", "STOPPED"), ("off", "STOPPED"), ("On", "RUNNING")])
def test_automation_runs_from_the_start_only_where_it_is_switched_on(monkeypatch, value, status):
    monkeypatch.setenv("GENESYS_AUTOMATION", value)
    org = GenesysCloud.from_environment()
    assert (org.sensor_status.value, org.schedule_status.value) == (status, status)
