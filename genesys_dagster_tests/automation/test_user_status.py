"""New days of user status, and ends that come later, are asked for by themselves, apart from conversations."""

import dagster as dg
import pytest

from genesys_dagster.automation.late_activity import update_user_status
from genesys_dagster.automation.new_days import export_user_status
from genesys_dagster.memory.pulls import CONVERSATIONS, USER_STATUS
from genesys_dagster.memory.runs import days_in_progress
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import JOBS, ORG

EXPORT, UPDATE = export_user_status(JOBS), update_user_status(JOBS)


@pytest.fixture
def at(desk, sandbox, clock):
    """Sets the clock, and the two watermarks; what is behind them is known."""

    def set_to(now, users, conversations="2026-05-01T00:00"):
        clock(now)
        sandbox.settings.user_availability = utc(users)
        sandbox.settings.availability = utc(conversations)

    return set_to


def materialized(desk, name, day, **metadata):
    desk.instance.report_runless_asset_event(
        dg.AssetMaterialization(ORG.key(name), partition=day, metadata=metadata)
    )


def pulled(desk, day, known_until, days=()):
    said = {"source": "job", "known_until": dg.MetadataValue.timestamp(utc(known_until))}
    for name in USER_STATUS.writes:
        named = {"days": dg.MetadataValue.json(dict.fromkeys(days, 1))} if name == "late_user_status" else {}
        materialized(desk, name, day, **said, **named)


def test_a_day_is_requested_when_the_users_own_watermark_has_passed_it(desk, at):
    at("2026-05-13T08:00", users="2026-05-12T23:59")
    assert desk.days(EXPORT) == ["2026-05-11"]
    at("2026-05-13T09:00", users="2026-05-13T00:00")
    assert desk.days(EXPORT) == ["2026-05-12"]
    assert {request.path for request in desk.api_requests} == {
        "/api/v2/analytics/users/details/jobs/availability"
    }


def test_a_day_that_came_is_asked_for_no_more_and_one_from_the_query_once_the_job_knows_it(desk, at):
    at("2026-05-13T09:00", users="2026-05-13T00:00")
    assert desk.days(EXPORT) == ["2026-05-12"]
    pulled(desk, "2026-05-12", "2026-05-13T00:00")
    assert desk.days(EXPORT) == []


def test_without_the_permission_the_tick_says_so_and_asks_for_nothing(desk, at, sandbox):
    sandbox.settings.permissions = sandbox.settings.permissions - {"analytics:userDetail:view"}
    at("2026-05-13T09:00", users="2026-05-13T00:00")
    assert desk.days(EXPORT) == []
    assert "analytics:userDetail:view" in desk.skipped


def test_days_in_which_later_days_found_ends_are_updated_once(desk, at):
    at("2026-05-14T09:00", users="2026-05-14T00:00")
    pulled(desk, "2026-05-11", "2026-05-12T00:00")
    pulled(desk, "2026-05-12", "2026-05-13T00:00", days=["2026-05-11"])
    (request,) = desk.tick(UPDATE)
    assert request.partition_key == "2026-05-11"
    until = dg.MetadataValue.timestamp(utc("2026-05-13T00:00"))
    for name in USER_STATUS.writes[:2]:
        materialized(desk, name, "2026-05-11", active_until=until)
    assert desk.days(UPDATE) == []


def test_an_update_that_died_between_its_two_tables_is_asked_for_again(desk, at):
    at("2026-05-14T09:00", users="2026-05-14T00:00")
    pulled(desk, "2026-05-11", "2026-05-12T00:00")
    pulled(desk, "2026-05-12", "2026-05-13T00:00", days=["2026-05-11"])
    (request,) = desk.tick(UPDATE)
    materialized(
        desk, "user_presence", "2026-05-11", active_until=dg.MetadataValue.timestamp(utc("2026-05-13T00:00"))
    )
    desk.ran(request, ended=utc("2026-05-14T09:00"))
    at("2026-05-14T11:00", users="2026-05-14T00:00")
    assert desk.days(UPDATE) == ["2026-05-11"]


def test_runs_of_user_status_and_of_conversations_do_not_wait_for_each_other(desk):
    days = {"2026-05-12": JOBS.user_status, "2026-05-13": JOBS.export}
    for day, job in days.items():
        tags = {**job.tags, "dagster/partition": day}
        desk.instance.add_run(dg.DagsterRun(job_name=job.name, status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert days_in_progress(desk.instance, ORG, days, USER_STATUS) == {"2026-05-12"}
    assert days_in_progress(desk.instance, ORG, days, CONVERSATIONS) == {"2026-05-13"}


class Figures:
    """What the condition of `agent_status` asks for, in an instance with a history."""

    def __init__(self, desk):
        self.desk, self.cursor = desk, None
        self.defs = ORG.definitions()
        desk.instance.report_runless_asset_event(dg.AssetMaterialization(ORG.key("users")))
        self.requested()

    def requested(self):
        result = dg.evaluate_automation_conditions(
            self.defs,
            self.desk.instance,
            asset_selection=dg.AssetSelection.assets(ORG.key("agent_status")),
            cursor=self.cursor,
            evaluation_time=utc("2026-05-16T09:00"),
        )
        self.cursor = result.cursor
        return sorted(result.get_requested_partitions(ORG.key("agent_status")))


def test_figures_follow_a_days_pull_although_days_before_are_missing(desk):
    figures = Figures(desk)
    pulled(desk, "2026-05-12", "2026-05-13T00:00")
    assert figures.requested() == ["2026-05-12"]
    materialized(desk, "agent_status", "2026-05-12")
    assert figures.requested() == []
    pulled(desk, "2026-05-12", "2026-05-16T00:00")
    assert figures.requested() == ["2026-05-12"]


def test_figures_of_the_days_after_do_not_follow_a_day_and_none_follows_an_end_that_came_later(desk):
    figures = Figures(desk)
    for day in ("2026-05-11", "2026-05-12", "2026-05-13"):
        pulled(desk, day, "2026-05-14T00:00")
        materialized(desk, "agent_status", day)
    figures.requested()
    figures.requested()
    for name in USER_STATUS.writes[:2]:
        materialized(desk, name, "2026-05-11")
    assert figures.requested() == []
    pulled(desk, "2026-05-11", "2026-05-16T00:00")
    assert figures.requested() == ["2026-05-11"]
