"""What the org has deleted by its retention setting is not asked for, and the tick says so."""

from datetime import timedelta

import pytest

from genesys_dagster.automation import knowledge
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import end_of, export_new_days, refresh_days

DAY = "2026-02-01"
END = utc("2026-02-02")


@pytest.fixture
def at_age(desk, sandbox, monkeypatch):
    """Ticks the refresh plan when a day with an open conversation is some days old."""

    def tick(age):
        now = END + timedelta(days=age)
        sandbox.settings.now = lambda: now
        sandbox.settings.availability = now
        monkeypatch.setattr(knowledge, "now", lambda: now)
        return desk.days(refresh_days)

    desk.pulled(DAY, END + timedelta(days=44), open_conversations=1)
    return tick


def asked_for_setting(desk):
    return sum(request.path.endswith("/dataretention/settings") for request in desk.api_requests)


def test_a_day_older_than_the_org_keeps_is_not_pulled_again_and_the_tick_says_so(desk, at_age, sandbox):
    sandbox.settings.retention_days = 90
    assert at_age(104) == []
    assert "1 day is older than the 90 days that the org keeps: not asked for" in desk.skipped


@pytest.mark.parametrize(("age", "asked"), [(87, [DAY]), (88.5, [])], ids=["kept", "on its last day"])
def test_the_plan_ends_a_day_before_the_org_deletes(desk, at_age, sandbox, age, asked):
    sandbox.settings.retention_days = 90  # counted from the beginning of the day
    assert at_age(age) == asked


def test_where_nothing_is_set_the_plan_goes_on(desk, at_age):
    assert at_age(104) == [DAY]


def test_where_it_may_not_be_asked_for_the_setting_says_it(desk, at_age, sandbox):
    sandbox.settings.permissions = sandbox.settings.permissions - {"analytics:dataRetention:view"}
    desk.redefine(retention_days=80)
    assert at_age(104) == []
    assert "older than the 80 days" in desk.skipped


def test_where_it_may_not_be_asked_for_and_nobody_says_it_the_plan_goes_on(desk, at_age, sandbox):
    sandbox.settings.permissions = sandbox.settings.permissions - {"analytics:dataRetention:view"}
    assert at_age(104) == [DAY]


def test_the_setting_is_asked_for_once_a_day_and_only_for_days_that_old(desk, at_age, sandbox):
    sandbox.settings.retention_days = 400
    at_age(50)
    assert asked_for_setting(desk) == 0
    for minutes in range(0, 60 * 23, 60):
        at_age(104 + minutes / 1440)
    assert asked_for_setting(desk) == 1
    at_age(105.1)
    assert asked_for_setting(desk) == 2


def test_an_answer_that_fails_is_asked_for_again_and_what_is_known_holds(desk, at_age, sandbox):
    sandbox.settings.retention_days = 90
    assert at_age(104) == []
    sandbox.faults.fail_next(1, "503")
    assert at_age(105.1) == []
    assert at_age(105.2) == []


def test_a_hole_that_the_org_has_deleted_is_not_asked_for(desk, sandbox, clock):
    desk.redefine(retention_days=10)
    clock("2026-05-12T08:00")
    sandbox.settings.availability = utc("2026-05-12T00:00")
    desk.pulled("2026-04-20", end_of("2026-04-20"))
    assert desk.days(export_new_days)[0] == "2026-05-04"
