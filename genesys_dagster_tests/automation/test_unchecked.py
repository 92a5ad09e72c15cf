"""What is materialized is checked, also where the run that wrote it never came to its checks."""

import dagster as dg
import pytest

from genesys_dagster.assets.user_status import user_status
from genesys_dagster.automation.unchecked import check_user_status as sensor_of
from genesys_dagster.definitions import build_definitions
from genesys_dagster.memory.pulls import latest_places
from genesys_dagster_tests.automation.conftest import day_of, utc
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import ASSET_KEY, CHECK_KEYS, JOBS, ORG, check_days

check_user_status = sensor_of(JOBS)
OLD, NEW = "2026-05-11", str(DAY)


@pytest.fixture
def started(desk, clock):
    """The sensor has ticked before: what lies there by then is left alone."""
    clock("2026-05-13T08:00")
    desk.pulled(OLD, utc("2026-05-13"))
    assert desk.days(check_days) == []
    return desk


def test_a_day_that_came_without_its_checks_is_checked_and_history_is_left_alone(started):
    started.pulled(NEW, utc("2026-05-13"))
    (request,) = started.tick(check_days)
    assert (day_of(request), request.tags["genesys/reason"]) == (NEW, "checks")
    assert not started.api_requests


def test_a_run_that_is_still_to_check_its_day_is_waited_for(started):
    run = started.instance.add_run(
        dg.DagsterRun(
            job_name="export_conversation_details",
            status=dg.DagsterRunStatus.STARTED,
            tags={"dagster/partition": NEW},
        )
    )
    started.pulled(NEW, utc("2026-05-13"))
    assert started.days(check_days) == []
    started.instance.report_run_failed(run)
    assert started.days(check_days) == [NEW]


def test_checks_that_fail_to_run_are_asked_for_again(started, clock):
    started.pulled(NEW, utc("2026-05-13"))
    (request,) = started.tick(check_days)
    started.ran(request, ended=utc("2026-05-13T08:10"))
    assert started.days(check_days) == []
    clock("2026-05-13T09:11")
    assert started.days(check_days) == [NEW]


def test_once_checked_a_day_is_left_alone_until_it_comes_anew(started, sandbox):
    repository = build_definitions().get_repository_def()
    export_job, check_job = (
        repository.get_job(f"{name}_conversation_details") for name in ("export", "check")
    )
    assert export_job.execute_in_process(instance=started.instance, partition_key=NEW).success
    assert started.days(check_days) == []
    started.pulled(NEW, utc("2026-05-13"))
    (request,) = started.tick(check_days)
    assert check_job.execute_in_process(instance=started.instance, tags=dict(request.tags)).success
    infos = started.instance.event_log_storage.get_asset_check_partition_info(
        CHECK_KEYS, partition_keys=[NEW]
    )
    place = latest_places(started.instance, ASSET_KEY, [NEW])[NEW]
    assert [info.latest_target_materialization_storage_id for info in infos] == [place] * len(CHECK_KEYS)
    assert started.days(check_days) == []


def test_the_checks_ask_genesys_cloud_nothing():
    job = build_definitions().get_repository_def().get_job("check_conversation_details")
    asking = {"conversation_details_total_hits", "conversation_details_reconciliation"}
    assert job.nodes
    assert not asking & {node.name for node in job.nodes}


def test_a_day_of_user_status_that_came_without_its_checks_is_checked_and_then_left_alone(
    desk, sandbox, clock
):
    clock("2026-05-13T08:00")
    sandbox.settings.user_availability = utc("2026-05-13T00:00")
    assert desk.days(check_user_status) == []
    definitions = build_definitions()
    pull = dg.materialize(
        [user_status(ORG)], partition_key=NEW, instance=desk.instance, resources=definitions.resources
    )
    assert pull.success
    (request,) = desk.tick(check_user_status)
    assert day_of(request) == NEW
    check_job = definitions.get_repository_def().get_job("check_user_status")
    assert check_job.execute_in_process(instance=desk.instance, tags=dict(request.tags)).success
    assert desk.days(check_user_status) == []
