"""Housekeeping: what dead processes leave behind in the bucket and in Genesys Cloud is found and removed, once a day."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus

import dagster as dg

from genesys_dagster.assets.failures import as_failure
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.ops import every_day, op_job
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.details import CONVERSATIONS, USERS
from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    GenesysError,
)
from genesys_dagster.genesys.responses import Response
from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.housekeeping import abort, stale_uploads
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.memory.job_ledger import Entry, Noted, Place, drop, entries, has_ended, places
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource


def abort_stale_uploads(org: Org) -> dg.ScheduleDefinition:
    """The job that aborts what a killed process left unfinished in the bucket, every night."""

    def work(context: dg.OpExecutionContext) -> None:
        _abort(context, getattr(context.resources, org.lake))

    job = op_job(
        org,
        "abort_stale_uploads",
        work,
        "Finds and aborts multipart uploads below our prefix that were begun more than a day ago.",
        org.lake,
    )
    return every_day(org, "abort_stale_uploads_daily", job, time(2, 30), "Every night at 02:30.")


def _abort(context: dg.OpExecutionContext, lake: S3ParquetIOManager) -> None:
    aborted = 0
    try:
        place, client = lake.place(), lake_client(lake.s3)
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


def delete_orphaned_jobs(org: Org) -> dg.ScheduleDefinition:
    """The job that deletes what a killed run left behind in Genesys Cloud, unless another run has taken it over."""

    def work(context: dg.OpExecutionContext) -> None:
        _delete_orphans(context, org, getattr(context.resources, org.genesys))

    job = op_job(
        org,
        "delete_orphaned_jobs",
        work,
        "Finds and deletes bulk jobs in Genesys Cloud whose runs have ended without doing so.",
        org.genesys,
    )
    return every_day(org, "delete_orphaned_jobs_daily", job, time(2, 45), "Every night at 02:45.")


def _delete_orphans(context: dg.OpExecutionContext, org: Org, genesys: GenesysResource) -> None:
    windows = map(org.days.window, org.days.partitions.get_partition_keys())
    orphans = [
        (place, job)
        for place, entry in entries(context.instance, org, places(windows)).items()
        for job in _orphans(context.instance, entry)
    ]
    deleted = 0
    if orphans:
        with as_failure():
            genesys.settings()
            deleted = run_apart(_delete(context, org, genesys, orphans))
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
    context: dg.OpExecutionContext,
    org: Org,
    genesys: GenesysResource,
    orphans: Sequence[tuple[Place, Noted]],
) -> int:
    deleted = 0
    async with genesys.client() as client:
        await client.authenticate()
        for place, job in orphans:
            # Looked up once more: a run may have taken it over meanwhile.
            entry = entries(context.instance, org, [place]).get(place, Entry())
            if job not in _orphans(context.instance, entry):
                continue
            try:
                details = USERS if place.kind == "user_status" else CONVERSATIONS
                path = f"{details.jobs}/{job.job_id}"
                await client.fetch("DELETE", path, _nothing, attempts=_ATTEMPTS)
                deleted += 1
            except (AuthenticationError, ConfigurationError):  # then none can be deleted
                raise
            except GenesysError as error:
                is_gone = error.status == HTTPStatus.NOT_FOUND  # expired by itself
                if not is_gone and _age(job) < _PATIENCE:
                    context.log.warning("A bulk job cannot be deleted now: %s", error)
                    continue
            drop(context.instance, org, place, job.job_id)
    return deleted


def _nothing(_answer: Response) -> None:
    """What there is to read of a deletion."""


def _age(job: Noted) -> timedelta:
    return knowledge.now() - datetime.fromtimestamp(job.submitted, UTC)
