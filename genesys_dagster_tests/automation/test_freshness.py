"""Yesterday must be there by the deadline, and no old day can stand in for it."""

import dagster as dg
import pytest

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.automation.freshness import (
    day_required,
    require_yesterday,
    verdict,
    yesterday_is_there,
)
from genesys_dagster.definitions import build_definitions
from genesys_dagster_tests.automation.conftest import utc


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
    assert day_required(utc(now)) == day


def test_a_day_that_is_there_passes(desk):
    desk.pulled("2026-05-12", utc("2026-05-13T01:00"))
    assert verdict(desk.instance, utc("2026-05-13T07:00")).passed


def test_a_late_day_fails_and_is_named(desk):
    desk.pulled("2026-05-11", utc("2026-05-13T01:00"))
    result = verdict(desk.instance, utc("2026-05-13T07:00"))
    assert not result.passed
    assert "2026-05-12" in result.description


def test_an_old_backfill_does_not_turn_it_green(desk):
    for day in ("2026-01-05", "2026-03-01", "2026-05-11"):
        desk.pulled(day, utc("2026-05-13T06:30"))
    assert not verdict(desk.instance, utc("2026-05-13T07:00")).passed


def test_a_day_pulled_before_it_was_over_is_not_there(desk):
    desk.pulled("2026-05-12", utc("2026-05-12T18:00"), source="query")
    assert not verdict(desk.instance, utc("2026-05-13T07:00")).passed


def test_a_pull_that_came_late_turns_it_green(desk):
    desk.pulled("2026-05-12", utc("2026-05-13T11:00"))
    assert verdict(desk.instance, utc("2026-05-13T12:00")).passed


@pytest.mark.parametrize("there", [True, False])
def test_the_job_at_the_deadline_reports_the_check_and_fails_if_the_day_is_missing(desk, clock, there):
    clock("2026-05-13T06:00")
    if there:
        desk.pulled("2026-05-12", utc("2026-05-13T01:00"))
    result = require_yesterday.execute_in_process(instance=desk.instance, raise_on_error=False)
    assert result.success is there
    (key,) = yesterday_is_there.check_keys
    record = desk.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event.dagster_event.asset_check_evaluation_data.passed is there


def test_the_check_runs_as_a_check(desk, clock, sandbox):
    clock("2026-05-13T06:00")
    job = dg.define_asset_job("checks", dg.AssetSelection.checks(yesterday_is_there))
    defs = dg.Definitions(
        assets=[conversation_details],
        asset_checks=[yesterday_is_there],
        jobs=[job],
        resources=build_definitions().resources,
    )
    (result,) = (
        defs.resolve_job_def("checks")
        .execute_in_process(instance=desk.instance)
        .get_asset_check_evaluations()
    )
    assert not result.passed
