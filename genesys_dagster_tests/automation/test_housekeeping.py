"""What dead processes leave behind is found and removed, and nothing else is."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import dagster as dg
import pytest

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import (
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import RememberedJob
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.housekeeping import abort, stale_uploads
from genesys_dagster.memory.job_ledger import Entry, InstanceLedger, Noted, Place, entries, places, write
from genesys_dagster.sandbox.api.jobs import CONVERSATIONS as CONVERSATION_JOBS
from genesys_dagster.sandbox.api.user_details import USERS as USER_JOBS
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import ORG, abort_stale_uploads, delete_orphaned_jobs, resources_of

WINDOW = Interval(utc("2026-05-12"), utc("2026-05-13"))
OTHER = Interval(utc("2026-05-11"), utc("2026-05-12"))


def run_job(job, instance):
    result = job.execute_in_process(instance=instance, resources=resources_of(), raise_on_error=False)
    if not result.success:
        (event,) = result.filter_events(lambda event: event.is_step_failure)
        return event.step_failure_data.user_failure_data.description
    (event,) = result.filter_events(lambda event: event.is_successful_output)
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


# ---------------------------------------------------------------------------------------------------------------------
# The bucket


@pytest.fixture
def upload(lake):
    def begin(key):
        return lake.client.create_multipart_upload(Bucket=lake.bucket, Key=key)["UploadId"]

    yield begin
    for left in lake.uploads():
        lake.client.abort_multipart_upload(Bucket=lake.bucket, Key=left["Key"], UploadId=left["UploadId"])


def tomorrow(lake):
    return begun(lake) + timedelta(days=1, seconds=1)


def begun(lake):
    """The test server gives all uploads the same time, long ago."""
    return max(upload["Initiated"] for upload in lake.uploads())


def test_uploads_older_than_a_day_are_aborted(desk, lake, upload, clock):
    for day in (11, 12):
        upload(f"genesys/conversation_details/date=2026-05-{day}/data.parquet")
    clock(tomorrow(lake).replace(tzinfo=None).isoformat())
    assert run_job(abort_stale_uploads, desk.instance) == {"aborted": 2}
    assert lake.uploads() == []


def test_uploads_that_may_still_be_written_are_left_alone(desk, lake, upload, clock):
    upload("genesys/conversation_details/date=2026-05-12/data.parquet")
    clock((begun(lake) + timedelta(hours=23)).replace(tzinfo=None).isoformat())
    assert run_job(abort_stale_uploads, desk.instance) == {"aborted": 0}
    assert len(lake.uploads()) == 1


@pytest.mark.parametrize(
    "key", ["other/data.parquet", "genesys-old/x/data.parquet", "genesys/x/somebody-elses.bin"]
)
def test_uploads_of_others_are_left_alone(lake, upload, key):
    upload(key)
    assert list(stale_uploads(lake.client, lake.bucket, "genesys", now=tomorrow(lake))) == []


def test_an_upload_that_ended_meanwhile_is_no_error(lake, upload):
    upload("genesys/x/data.parquet")
    (stale,) = stale_uploads(lake.client, lake.bucket, "genesys", now=tomorrow(lake))
    assert abort(lake.client, lake.bucket, stale) is True
    assert abort(lake.client, lake.bucket, stale) is False


def test_more_uploads_than_one_page_of_the_listing_are_all_found(lake, upload):
    for number in range(5):
        upload(f"genesys/x{number}/data.parquet")

    class SmallPages:
        def get_paginator(self, name):
            paginator = lake.client.get_paginator(name)
            paginate = paginator.paginate
            paginator.paginate = lambda **kwargs: paginate(**kwargs, PaginationConfig={"PageSize": 2})
            return paginator

    assert len(list(stale_uploads(SmallPages(), lake.bucket, "genesys", now=tomorrow(lake)))) == 5


def test_an_unknown_bucket_is_named(desk, environment, lake):
    with pytest.raises(StorageError, match="no-such-bucket"):
        list(stale_uploads(lake.client, "no-such-bucket", "genesys", now=utc("2026-05-12")))
    environment.setenv("GENESYS_S3_BUCKET", "no-such-bucket")
    assert "no-such-bucket" in run_job(abort_stale_uploads, desk.instance)


# ---------------------------------------------------------------------------------------------------------------------
# Genesys Cloud

# All that the server looks at of a job that is to be deleted: under which path it is.
JOB, USERS_JOB = SimpleNamespace(family=CONVERSATION_JOBS), SimpleNamespace(family=USER_JOBS)


def some_run(instance, status):
    return instance.add_run(dg.DagsterRun(job_name="export", status=status)).run_id


def noted(desk, window, job_id, run_id, *, kind="export", age=timedelta(0), awaited=False, left=False):
    submitted = (datetime.now(UTC) - age).timestamp()
    job = Noted(job_id, submitted, run_id, is_awaited=awaited)
    write(desk.instance, ORG, Place(window, kind), Entry(left=(job,)) if left else Entry({"question": job}))


def remembered(desk):
    """All jobs that are remembered anywhere."""
    found = entries(desk.instance, ORG, places([WINDOW, OTHER, EARLY, EARLIER])).values()
    return sorted(job.job_id for entry in found for job in (*entry.jobs.values(), *entry.left))


EARLY, EARLIER = (Interval(utc(f"2026-05-0{day + 1}"), utc(f"2026-05-0{day + 2}")) for day in (1, 0))


def test_jobs_whose_runs_have_ended_are_deleted_and_others_left_alone(desk, sandbox):
    sandbox.jobs.update(
        dict.fromkeys(("dead", "deleted-run", "alive", "of-a-sweep"), JOB) | {"of-users": USERS_JOB}
    )
    dead = some_run(desk.instance, dg.DagsterRunStatus.FAILURE)
    noted(desk, WINDOW, "dead", dead)
    noted(desk, WINDOW, "of-a-sweep", dead, kind="sweep")
    noted(desk, WINDOW, "of-users", dead, kind="user_status")
    noted(desk, OTHER, "alive", some_run(desk.instance, dg.DagsterRunStatus.STARTED))
    noted(desk, EARLY, "deleted-run", "no-such-run")
    noted(desk, EARLIER, "expired-already", "no-such-run")
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 4}
    assert list(sandbox.jobs) == remembered(desk) == ["alive"]
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 0}


def test_a_job_that_a_live_run_has_taken_over_is_not_deleted(desk, sandbox):
    sandbox.jobs["taken-over"] = JOB
    noted(desk, WINDOW, "taken-over", some_run(desk.instance, dg.DagsterRunStatus.FAILURE))
    alive = some_run(desk.instance, dg.DagsterRunStatus.STARTED)
    InstanceLedger(desk.instance, ORG, alive, WINDOW).keep("question", awaited=False)
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 0}
    assert list(sandbox.jobs) == remembered(desk) == ["taken-over"]


@pytest.mark.parametrize(("age", "left"), [(1, ["slow"]), (6, ["slow"]), (8, [])])
def test_a_slow_job_is_left_to_the_next_attempt_for_a_week(desk, sandbox, age, left):
    sandbox.jobs["slow"] = JOB
    noted(desk, WINDOW, "slow", "no-such-run", age=timedelta(days=age), awaited=True)
    run_job(delete_orphaned_jobs, desk.instance)
    assert list(sandbox.jobs) == remembered(desk) == left


def test_a_job_that_its_own_run_could_not_delete_is_deleted_though_the_run_is_alive(desk, sandbox):
    sandbox.jobs["left"] = JOB
    noted(desk, WINDOW, "left", some_run(desk.instance, dg.DagsterRunStatus.STARTED), left=True)
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 1}
    assert remembered(desk) == []


@pytest.mark.parametrize("error", [PermissionDeniedError, RequestRejectedError, ServiceUnavailableError])
def test_one_job_that_cannot_be_deleted_holds_up_no_other_and_is_forgotten_in_the_end(
    desk, sandbox, monkeypatch, error
):
    sandbox.jobs.update(dict.fromkeys(("dead", "too-old"), JOB))
    noted(desk, WINDOW, "not-ours", "no-such-run")
    noted(desk, OTHER, "not-ours-and-old", "no-such-run", age=timedelta(days=8))
    noted(desk, EARLY, "dead", "no-such-run")
    fetch = GenesysClient.fetch

    async def refusing(self, method, path, *args, **options):
        if "not-ours" in path:
            raise error("refused", method=method, path=path, status=400)
        return await fetch(self, method, path, *args, **options)

    monkeypatch.setattr(GenesysClient, "fetch", refusing)
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 1}
    assert remembered(desk) == ["not-ours"]


def test_without_orphans_the_api_is_not_asked(desk, environment):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 0}


def test_an_orphan_that_cannot_be_deleted_now_is_kept_in_mind(desk, environment):
    noted(desk, WINDOW, "dead", "no-such-run")
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in run_job(delete_orphaned_jobs, desk.instance)
    assert remembered(desk) == ["dead"]


# ---------------------------------------------------------------------------------------------------------------------
# The memory in the instance

MARK = utc("2026-05-13T04:00:00")


def test_a_job_is_remembered_beyond_the_run_until_it_is_forgotten(desk):
    now = [1000.0]
    first = InstanceLedger(desk.instance, ORG, "run-1", WINDOW, now=lambda: now[0])
    first.note("a", "job-a", MARK)
    first.note("b", "job-b", MARK)
    now[0] = 1600.0
    second = InstanceLedger(desk.instance, ORG, "run-2", WINDOW, now=lambda: now[0])
    assert second.recall("a") == RememberedJob("job-a", 600.0, MARK)
    assert second.recall("c") is None
    second.forget("a")
    second.keep("b", awaited=True)
    assert second.recall("b") == RememberedJob("job-b", 600.0, MARK, is_awaited=True)
    assert entries(desk.instance, ORG, [Place(WINDOW)]) == {
        Place(WINDOW): Entry({"b": Noted("job-b", 1000.0, "run-2", MARK, is_awaited=True)})
    }
    second.forget("b")
    assert remembered(desk) == []
    assert InstanceLedger(desk.instance, ORG, "run-3", OTHER).recall("a") is None


def test_jobs_that_are_left_over_are_remembered_but_not_recalled(desk):
    ledger = InstanceLedger(desk.instance, ORG, "run-1", WINDOW)
    ledger.note("a", "job-1", MARK)
    ledger.leave("a")
    assert ledger.recall("a") is None
    ledger.note("a", "job-2", MARK)
    ledger.note("a", "job-3", MARK)
    assert ledger.recall("a").job_id == "job-3"
    assert remembered(desk) == ["job-1", "job-2", "job-3"]


def test_an_export_and_a_sweep_of_one_day_do_not_share_a_memory(desk):
    export, sweep = (
        InstanceLedger(desk.instance, ORG, "run", WINDOW, kind=kind) for kind in ("export", "sweep")
    )
    export.note("a", "job-1", MARK)
    assert sweep.recall("a") is None


def test_what_a_version_before_this_one_remembered_is_read(desk):
    key = f"genesys_dagster/bulk_jobs/{WINDOW.as_text()}"
    said = {"run_id": "run-1", "jobs": {"a": ["job-a", 1000.0]}}
    desk.instance.run_storage.set_cursor_values({key: json.dumps(said)})
    job = InstanceLedger(desk.instance, ORG, "run-2", WINDOW, now=lambda: 1100.0).recall("a")
    assert job == RememberedJob("job-a", 100.0, datetime.fromtimestamp(1000, UTC))


def test_thousands_of_days_are_looked_through(desk):
    windows = [
        Interval(utc("2016-01-01") + timedelta(days=day), utc("2016-01-02") + timedelta(days=day))
        for day in range(3000)
    ]
    noted(desk, windows[2999], "job", "run")
    assert list(entries(desk.instance, ORG, places(windows))) == [Place(windows[2999])]


def test_a_store_that_fails_costs_the_memory_and_never_the_export(caplog):
    class Broken:
        @property
        def run_storage(self):
            raise RuntimeError("no key-value store here")

    ledger = InstanceLedger(Broken(), ORG, "run-1", WINDOW)
    ledger.note("a", "job-a", MARK)
    assert ledger.recall("a") is None
    ledger.keep("a", awaited=True)
    ledger.leave("a")
    ledger.forget("a")
    assert "does not remember" in caplog.text


DYING = """
import asyncio, os
import dagster as dg
from datetime import datetime, UTC
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

window = Interval(datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC))

async def die_on_the_way():
    async with GenesysResource().client() as client:
        ledger = InstanceLedger(dg.DagsterInstance.get(), Org(), "run-1", window)
        async for page in ConversationDetails(client, source="job", ledger=ledger).pages(window):
            os._exit(9)

asyncio.run(die_on_the_way())
"""


@pytest.mark.slow
def test_a_process_that_dies_leaves_its_fulfilled_job_to_the_next(environment, sandbox, tmp_path):
    import asyncio

    from genesys_dagster.genesys.conversation_details import ConversationDetails
    from genesys_dagster.resources import GenesysResource

    environment.setenv("DAGSTER_HOME", str(tmp_path))
    assert subprocess.run([sys.executable, "-c", DYING], check=False).returncode == 9
    (left,) = sandbox.jobs

    async def carry_on():
        async with GenesysResource().client() as client:
            ledger = InstanceLedger(dg.DagsterInstance.get(), ORG, "run-2", WINDOW)
            details = ConversationDetails(client, source="job", ledger=ledger)
            return sum([page.records async for page in details.pages(WINDOW)]), details.progress.job_id

    assert asyncio.run(carry_on()) == (len(sandbox.org.day(WINDOW.start.date())), left)
    submitted = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/jobs")]
    assert len(submitted) == 1
    assert sandbox.jobs == {}
    assert entries(dg.DagsterInstance.get(), ORG, places([WINDOW])) == {}
