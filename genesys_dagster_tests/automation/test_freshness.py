"""Yesterday must be there by the deadline, no day of the week before may be a hole, and no old day can stand in."""

import dagster as dg
import pytest

from genesys_dagster.automation.freshness import days_passed, require_yesterday, verdict
from genesys_dagster.automation.freshness import yesterday_is_there as yesterday_is_there_of
from genesys_dagster.automation.told import listed
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import (
    AUTOMATION,
    ORG,
    conversation_details,
    export_new_days,
    resources_of,
)

yesterday_is_there, wanted_days = AUTOMATION.checks


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-05-13T05:59", "2026-05-11"),
        ("2026-05-13T06:00", "2026-05-12"),
        ("2026-05-13T23:59", "2026-05-12"),
        ("2026-01-01T12:00", None),
        ("2026-01-02T05:00", None),
    ],
)
def test_the_deadline_is_on_the_morning_after(now, day):
    assert (days_passed(ORG, utc(now)) or [None])[-1] == day


@pytest.fixture
def on(desk):
    """A desk where automation is switched on."""
    desk.redefine(automation=True)
    return desk


def test_where_automation_is_off_a_day_by_hand_is_no_reason_to_require_any(desk):
    desk.pulled("2026-05-05", utc("2026-05-13T01:00"))
    result = verdict(desk.instance, desk.org, utc("2026-05-13T07:00"))
    assert result.passed
    assert "Nothing is required" in result.description


def test_what_automation_takes_care_of_is_required_wherever_it_was_switched_on(desk, sandbox):
    sandbox.settings.availability = utc("2026-05-12T00:00")
    assert desk.days(export_new_days) == ["2026-05-11"]
    result = verdict(desk.instance, desk.org, utc("2026-05-13T07:00"))
    assert result.description.startswith("2026-05-11 is not there; 2026-05-12 is not there, although")


def test_a_hole_of_the_last_week_fails_and_is_named_and_older_ones_are_not(on, desk):
    for day in (*range(3, 9), 10, 11, 12):
        desk.pulled(f"2026-05-{day:02d}", utc("2026-05-13T01:00"))
    assert (
        "2026-05-09 is not there, although"
        in verdict(desk.instance, desk.org, utc("2026-05-13T07:00")).description
    )
    for day in (13, 14, 15, 16):
        desk.pulled(f"2026-05-{day:02d}", utc("2026-05-17T01:00"))
    assert verdict(desk.instance, desk.org, utc("2026-05-17T07:00")).passed


def test_a_day_of_which_conversations_are_missing_is_named_with_their_number(on, desk):
    desk.pulled("2026-05-12", utc("2026-05-13T01:00"), announced_missing=1240)
    result = verdict(desk.instance, desk.org, utc("2026-05-13T07:00"))
    assert not result.passed
    assert "2026-05-12 lacks 1,240 announced conversations" in result.description


def test_days_before_the_first_that_was_pulled_are_not_required(on, desk):
    desk.pulled("2026-05-12", utc("2026-05-13T01:00"))
    assert verdict(desk.instance, desk.org, utc("2026-05-13T07:00")).passed


def test_what_is_wanted_is_listed_with_attempts_and_the_next(desk, sandbox, clock):
    clock("2026-05-12T09:00")
    sandbox.settings.availability = utc("2026-05-12T00:00")
    assert listed(desk.instance, ORG).description == "Nothing is wanted that is not there."
    (request,) = desk.tick(export_new_days)
    desk.ran(request, ended=utc("2026-05-12T09:30"))
    desk.tick(export_new_days)
    (key,) = wanted_days.check_keys
    found = desk.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key].evaluation
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert [dict(record.data) for record in found.metadata["wanted"].records] == [
        {
            "day": "2026-05-11",
            "kind": "new day",
            "since": "2026-05-12 00:00 UTC",
            "tries": 1,
            "next": "2026-05-12 10:30 UTC",
        }
    ]
    desk.pulled("2026-05-11", utc("2026-05-12T08:00"))
    desk.tick(export_new_days)
    assert listed(desk.instance, ORG).passed


def test_a_day_that_is_there_passes(on, desk):
    desk.pulled("2026-05-12", utc("2026-05-13T01:00"))
    assert verdict(desk.instance, desk.org, utc("2026-05-13T07:00")).passed


def test_a_late_day_fails_and_is_named(on, desk):
    desk.pulled("2026-05-11", utc("2026-05-13T01:00"))
    result = verdict(desk.instance, desk.org, utc("2026-05-13T07:00"))
    assert not result.passed
    assert "2026-05-12" in result.description


def test_an_old_backfill_does_not_turn_it_green(on, desk):
    for day in ("2026-01-05", "2026-03-01", "2026-05-11"):
        desk.pulled(day, utc("2026-05-13T06:30"))
    assert not verdict(desk.instance, desk.org, utc("2026-05-13T07:00")).passed


def test_a_day_pulled_before_it_was_over_is_not_there(on, desk):
    desk.pulled("2026-05-12", utc("2026-05-12T18:00"), source="query")
    assert not verdict(desk.instance, desk.org, utc("2026-05-13T07:00")).passed


def test_a_pull_that_came_late_turns_it_green(on, desk):
    desk.pulled("2026-05-12", utc("2026-05-13T11:00"))
    assert verdict(desk.instance, desk.org, utc("2026-05-13T12:00")).passed


@pytest.mark.parametrize("there", [True, False])
def test_the_job_at_the_deadline_reports_the_check_and_fails_if_the_day_is_missing(on, desk, clock, there):
    clock("2026-05-13T06:00")
    if there:
        desk.pulled("2026-05-12", utc("2026-05-13T01:00"))
    result = require_yesterday(desk.org).job.execute_in_process(instance=desk.instance, raise_on_error=False)
    assert result.success is there
    (key,) = yesterday_is_there.check_keys
    record = desk.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event.dagster_event.asset_check_evaluation_data.passed is there


def test_the_check_runs_as_a_check(on, desk, clock, sandbox):
    clock("2026-05-13T06:00")
    check = yesterday_is_there_of(desk.org)
    job = dg.define_asset_job("checks", dg.AssetSelection.checks(check))
    defs = dg.Definitions(
        assets=[conversation_details],
        asset_checks=[check],
        jobs=[job],
        resources=resources_of(),
    )
    (result,) = (
        defs.resolve_job_def("checks")
        .execute_in_process(instance=desk.instance)
        .get_asset_check_evaluations()
    )
    assert not result.passed
