"""Housekeeping: what dead processes leave behind in the bucket and in Genesys Cloud is found and removed, once a day."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import dagster as dg

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.assets.failures import as_failure
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.settings import schedule_status
from genesys_dagster.genesys.availability import JOBS_PATH
from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    GenesysError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.responses import Response
from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.housekeeping import abort, stale_uploads
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.lake.place import lake_place
from genesys_dagster.memory.job_ledger import Entry, Noted, Place, drop, entries, has_ended, places
from genesys_dagster.resources import GenesysResource


@dg.op(
    required_resource_keys={"s3_parquet_io_manager"},
    description="Aborts multipart uploads below our prefix that were begun more than a day ago.",
)
def abort_stale_uploads_op(context: dg.OpExecutionContext) -> None:
    """Abort what a killed process left unfinished in the bucket."""
    lake: S3ParquetIOManager = context.resources.s3_parquet_io_manager
    aborted = 0
    try:
        place, client = lake_place(lake.bucket, lake.prefix), lake_client(lake.s3)
        for upload in stale_uploads(client, place.bucket, place.prefix, now=knowledge.now()):
            aborted += abort(client, place.bucket, upload)
            context.log.info("Aborted an upload of %s begun %s", upload.key, upload.begun.isoformat())
    except LakeError as error:
        raise dg.Failure(str(error), allow_retries=not error.permanent) from None
    context.log.info("%d stale uploads below %s", aborted, place.uri)
    context.add_output_metadata({"aborted": aborted})


# How long a job that was not waited for to its end is left to the next attempt, and how long it is tried to delete one
# that cannot be deleted; results of jobs do not live for ever anyway.
_PATIENCE = timedelta(days=7)
_ATTEMPTS = 2  # per job; tomorrow night is another


@dg.op(description="Deletes bulk jobs in Genesys Cloud whose runs have ended without doing so.")
def delete_orphaned_jobs_op(context: dg.OpExecutionContext, genesys: GenesysResource) -> None:
    """Delete what a killed run left behind in Genesys Cloud, unless another run has taken it over."""
    windows = [
        Interval(window.start, window.end)
        for window in map(PARTITIONS.time_window_for_partition_key, PARTITIONS.get_partition_keys())
    ]
    orphans = [
        (place, job)
        for place, entry in entries(context.instance, places(windows)).items()
        for job in _orphans(context.instance, entry)
    ]
    deleted = 0
    if orphans:
        with as_failure():
            genesys.settings()
            deleted = asyncio.run(_delete(context, genesys, orphans))
    context.log.info("%d of %d orphaned bulk jobs deleted", deleted, len(orphans))
    context.add_output_metadata({"deleted": deleted})


def _orphans(instance: dg.DagsterInstance, entry: Entry) -> list[Noted]:
    """The jobs that nobody wants any more."""
    unwanted = [
        job
        for job in entry.jobs.values()
        if has_ended(instance, job.run_id) and not (job.is_awaited and _age(job) < _PATIENCE)
    ]
    return [*entry.left, *unwanted]


async def _delete(
    context: dg.OpExecutionContext, genesys: GenesysResource, orphans: Sequence[tuple[Place, Noted]]
) -> int:
    deleted = 0
    async with genesys.client() as client:
        await client.authenticate()
        for place, job in orphans:
            # Looked up once more: a run may have taken it over meanwhile.
            if job not in _orphans(context.instance, entries(context.instance, [place]).get(place, Entry())):
                continue
            try:
                path = f"{JOBS_PATH}/{job.job_id}"
                await client.fetch("DELETE", path, _nothing, attempts=_ATTEMPTS)
                deleted += 1
            except (AuthenticationError, ConfigurationError):  # then none can be deleted
                raise
            except GenesysError as error:
                is_gone = error.status == HTTPStatus.NOT_FOUND  # expired by itself
                if not is_gone and _age(job) < _PATIENCE:
                    context.log.warning("A bulk job cannot be deleted now: %s", error)
                    continue
            drop(context.instance, place, job.job_id)
    return deleted


def _nothing(_answer: Response) -> None:
    """What there is to read of a deletion."""


def _age(job: Noted) -> timedelta:
    return knowledge.now() - datetime.fromtimestamp(job.submitted, UTC)


@dg.job(description="Finds and aborts multipart uploads that killed processes left in the bucket.")
def abort_stale_uploads() -> None:
    """One op."""
    abort_stale_uploads_op()


@dg.job(description="Finds and deletes bulk jobs that killed runs left in Genesys Cloud.")
def delete_orphaned_jobs() -> None:
    """One op."""
    delete_orphaned_jobs_op()


STALE_UPLOADS_SCHEDULE = dg.ScheduleDefinition(
    name="abort_stale_uploads_daily",
    job=abort_stale_uploads,
    cron_schedule="30 2 * * *",
    execution_timezone=PARTITIONS.timezone,
    default_status=schedule_status(),
    description="Every night at 02:30.",
)

ORPHANED_JOBS_SCHEDULE = dg.ScheduleDefinition(
    name="delete_orphaned_jobs_daily",
    job=delete_orphaned_jobs,
    cron_schedule="45 2 * * *",
    execution_timezone=PARTITIONS.timezone,
    default_status=schedule_status(),
    description="Every night at 02:45.",
)
