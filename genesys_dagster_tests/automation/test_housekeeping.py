"""What dead processes leave behind is found and removed, and nothing else is."""

import subprocess
import sys
from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster.automation.housekeeping import abort_stale_uploads, delete_orphaned_jobs
from genesys_dagster.definitions import build_definitions
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.job_ledger import Entry, InstanceLedger, entries, write
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.housekeeping import abort, stale_uploads
from genesys_dagster_tests.automation.conftest import utc

WINDOW = Interval(utc("2026-05-12"), utc("2026-05-13"))
OTHER = Interval(utc("2026-05-11"), utc("2026-05-12"))


def run_job(job, instance):
    result = job.execute_in_process(
        instance=instance, resources=build_definitions().resources, raise_on_error=False
    )
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


def some_run(instance, status):
    return instance.add_run(dg.DagsterRun(job_name="export", status=status)).run_id


def test_jobs_whose_runs_have_ended_are_deleted_and_others_left_alone(desk, sandbox):
    sandbox.jobs.update(dict.fromkeys(("dead", "deleted-run", "alive"), object()))
    for window, job_id, run_id in (
        (WINDOW, "dead", some_run(desk.instance, dg.DagsterRunStatus.FAILURE)),
        (OTHER, "alive", some_run(desk.instance, dg.DagsterRunStatus.STARTED)),
        (Interval(utc("2026-05-01"), utc("2026-05-02")), "deleted-run", "no-such-run"),
        (Interval(utc("2026-05-02"), utc("2026-05-03")), "expired-already", "no-such-run"),
    ):
        write(desk.instance, window, Entry(run_id, {"question": (job_id, 0.0)}))
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 2}
    assert list(sandbox.jobs) == ["alive"]
    assert list(entries(desk.instance, [WINDOW, OTHER])) == [OTHER]
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 0}


def test_without_orphans_the_api_is_not_asked(desk, environment):
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert run_job(delete_orphaned_jobs, desk.instance) == {"deleted": 0}


def test_an_orphan_that_cannot_be_deleted_now_is_kept_in_mind(desk, environment):
    write(desk.instance, WINDOW, Entry("no-such-run", {"question": ("dead", 0.0)}))
    environment.delenv("GENESYSCLOUD_OAUTHCLIENT_ID")
    assert "GENESYSCLOUD_OAUTHCLIENT_ID" in run_job(delete_orphaned_jobs, desk.instance)
    assert WINDOW in entries(desk.instance, [WINDOW])


# ---------------------------------------------------------------------------------------------------------------------
# The memory in the instance


def test_a_job_is_remembered_beyond_the_run_until_it_is_forgotten(desk):
    now = [1000.0]
    first = InstanceLedger(desk.instance, "run-1", WINDOW, now=lambda: now[0])
    first.note("a", "job-a")
    first.note("b", "job-b")
    now[0] = 1600.0
    second = InstanceLedger(desk.instance, "run-2", WINDOW, now=lambda: now[0])
    assert (second.recall("a", 600), second.recall("b", 599), second.recall("c", 600)) == (
        "job-a",
        None,
        None,
    )
    second.forget("a")
    assert entries(desk.instance, [WINDOW])[WINDOW] == Entry("run-2", {"b": ("job-b", 1000.0)})
    second.forget("b")
    assert entries(desk.instance, [WINDOW]) == {}
    assert InstanceLedger(desk.instance, "run-3", OTHER).recall("a", 1e9) is None


def test_thousands_of_days_are_looked_through(desk):
    windows = [
        Interval(utc("2016-01-01") + timedelta(days=day), utc("2016-01-02") + timedelta(days=day))
        for day in range(3000)
    ]
    write(desk.instance, windows[2999], Entry("run", {"q": ("job", 0.0)}))
    assert list(entries(desk.instance, windows)) == [windows[2999]]


def test_a_store_that_fails_costs_the_memory_and_never_the_export(caplog):
    class Broken:
        @property
        def run_storage(self):
            raise RuntimeError("no key-value store here")

    ledger = InstanceLedger(Broken(), "run-1", WINDOW)
    ledger.note("a", "job-a")
    assert ledger.recall("a", 600) is None
    ledger.forget("a")
    assert "does not remember" in caplog.text


DYING = """
import asyncio, os
import dagster as dg
from datetime import datetime, UTC
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.job_ledger import InstanceLedger
from genesys_dagster.resources import GenesysResource

window = Interval(datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC))

async def die_on_the_way():
    async with GenesysResource().client() as client:
        ledger = InstanceLedger(dg.DagsterInstance.get(), "run-1", window)
        async for page in ConversationDetails(client, source="job", ledger=ledger).pages(window):
            os._exit(9)

asyncio.run(die_on_the_way())
"""


def test_a_process_that_dies_leaves_its_fulfilled_job_to_the_next(environment, sandbox, tmp_path):
    import asyncio

    from genesys_dagster.genesys.conversation_details import ConversationDetails
    from genesys_dagster.resources import GenesysResource

    environment.setenv("DAGSTER_HOME", str(tmp_path))
    assert subprocess.run([sys.executable, "-c", DYING], check=False).returncode == 9
    (left,) = sandbox.jobs

    async def carry_on():
        async with GenesysResource().client() as client:
            ledger = InstanceLedger(dg.DagsterInstance.get(), "run-2", WINDOW)
            details = ConversationDetails(client, source="job", ledger=ledger)
            return sum([page.records async for page in details.pages(WINDOW)]), details.progress.job_id

    assert asyncio.run(carry_on()) == (len(sandbox.org.day(WINDOW.start.date())), left)
    submitted = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/jobs")]
    assert len(submitted) == 1
    assert sandbox.jobs == {}
    assert entries(dg.DagsterInstance.get(), [WINDOW]) == {}
