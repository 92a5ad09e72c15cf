"""The bulk job: submit or take over, wait, read the results, and clean up."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from genesys_dagster.genesys.availability import JOBS_PATH
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import (
    GenesysError,
    JobFailedError,
    JobLimitError,
    MalformedResponseError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import JobLedger, NoLedger, RememberedJob
from genesys_dagster.genesys.job_results import JobGoneError, JobResults, gone, is_gone
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.pauses import Pauses
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.responses import Response
from genesys_dagster.genesys.whole import Chain

_log = logging.getLogger(__name__)
_DELETE_PATIENCE = 10.0  # s; cleaning up must not hold up the end of a run
# How old results may be that are taken over, unless somebody was waiting for them: they stay readable for longer, but
# a later run wants what has happened since.
_LONGEST_MEMORY = 6 * 3600.0  # s
_SUBMITTED_ANEW = 3  # times in one go, if the job vanishes again and again
_SECONDS_BETWEEN_WORDS = 30.0

# SDK 269 models/async_query_status.py lists the states.
_RUNNING = {"QUEUED", "PENDING"}
_REMEDIES = {
    "FAILED": "Run the step again; if it fails again, give Genesys support the correlation id.",
    "CANCELLED": "Somebody cancelled the job; run the step again.",
}

Announced = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """How a bulk job is waited for and read.

    Attributes:
        page_size: Records per result page. No maximum is documented; vendor-run connectors use 1000
            (estuary/connectors, source-genesys).
        max_wait: How long a job is waited for in one go; also how long to wait until one may be submitted while
            others use up what the organization may have at once.
        first_poll: Seconds until its state is asked for the first time; later polls are ever further apart.
        longest_poll: Seconds between two polls, at most.
    """

    page_size: int = 1000
    max_wait: timedelta = timedelta(hours=2)
    first_poll: float = 1.0
    longest_poll: float = 30.0


class JobFollower:
    """Is told how far a job is. This one does nothing with it."""

    def submitted(self) -> None:
        """There is a job; called again if it vanished and was submitted once more."""

    def read(self) -> None:
        """The job's last page was consumed; it is still to be deleted."""

    async def make_room(self) -> bool:
        """The server takes no more jobs: wait until one of our own has ended; False if there is none."""
        return False


class _StillRunningError(JobFailedError):
    """Nothing is wrong with the job, it takes longer."""


async def _unknown() -> int | None:
    return None


class BulkJob:
    """Pages of a bulk job.

    Args:
        client: An open client.
        settings: How to wait and read.
        progress: Kept up to date.
        available_until: The watermark, asked for before.
        by_start_day: Whether to select by start day, like the interactive query; otherwise a job returns every
            conversation that was alive in the interval, however long ago it started (SDK 269
            models/async_conversation_query.py, startOfDayIntervalMatching).
        ledger: Where submitted jobs are remembered, if anywhere: a process that dies, or that has no more patience,
            leaves its job to the next.
        follower: Told how far the job is.
        announced: Tells how many records to expect; asked while the job is waited for.
        is_end: Tells of a last page whether it can be the last, where no number is known.
    """

    def __init__(  # noqa: PLR0913 - a job, and who follows it
        self,
        client: GenesysClient,
        settings: JobSettings,
        progress: ExportProgress,
        available_until: datetime,
        *,
        by_start_day: bool = True,
        ledger: JobLedger | None = None,
        follower: JobFollower | None = None,
        announced: Announced | None = None,
        is_end: Callable[[Page], bool] | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._progress = progress
        self._available_until = available_until
        self._by_start_day = by_start_day
        self._has_ledger = ledger is not None
        self._ledger: JobLedger = ledger or NoLedger()
        self._follower = follower or JobFollower()
        self._announced = announced or _unknown
        self._is_end = is_end

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the result pages of a job.

        If the job vanishes while it is waited for or read, it is submitted anew and read from the start, so
        conversations may come twice; nothing is left out.

        Raises:
            JobFailedError: It failed, takes longer than there is patience (the next attempt goes on with it, if there
                is a ledger), or vanished again and again.
            DataNotAvailableError: The watermark went back.
            PaginationLoopError: The results do not come to an end.
            GenesysError: As in `GenesysClient.fetch`.
        """
        for anew in range(_SUBMITTED_ANEW + 1):
            try:
                async with aclosing(self._one_job(interval)) as pages:
                    async for page in pages:
                        yield page
                    return
            except JobGoneError as error:
                if anew == _SUBMITTED_ANEW:
                    raise
                _log.warning("submitting the bulk job anew: %s", error)

    async def _one_job(self, interval: Interval) -> AsyncGenerator[Page, None]:
        self._progress.job_id = None
        question = self._question(interval)
        text = msgspec.json.encode(question, order="deterministic").decode()
        job = await self._taken_over(text) or await self._submit_when_allowed(interval, question, text)
        self._progress.job_id = job.job_id
        announcing = asyncio.ensure_future(self._announced())
        is_left_to_the_next = False
        try:
            self._follower.submitted()
            await self._wait(job.job_id)
            chain = Chain(self._settings.page_size, await announcing, self._is_end)
            results = JobResults(self._client, self._progress, job, chain)
            async with aclosing(results.pages(interval)) as pages:
                async for page in pages:
                    yield page
            self._follower.read()
        except (ServiceUnavailableError, MalformedResponseError, _StillRunningError) as error:
            # Nothing is wrong with the job: whoever tries again finds it done, or further.
            is_left_to_the_next = self._has_ledger
            if is_left_to_the_next:
                self._ledger.keep(text, awaited=isinstance(error, _StillRunningError))
            raise
        finally:
            announcing.cancel()
            if not is_left_to_the_next:
                await self._discard(text, job.job_id)

    def _question(self, interval: Interval) -> dict[str, Any]:
        return {
            "interval": interval.as_text(),
            "order": "asc",
            "orderBy": "conversationStart",
            "startOfDayIntervalMatching": self._by_start_day,
        }

    async def _submit_when_allowed(
        self, interval: Interval, question: dict[str, Any], text: str
    ) -> RememberedJob:
        pauses = self._pauses("leave to submit a bulk job, as others' are under way")
        while True:
            try:
                job_id = await self._client.fetch(
                    "POST", JOBS_PATH, _read_job_id, json=question, repeatable=False
                )
                break
            except JobLimitError as error:
                if await self._follower.make_room():
                    continue
                _log.info("waiting for another program's bulk job to end: %s", error)
                if not await pauses.pause(at_least=error.retry_after or 0.0):
                    raise
            except ServiceUnavailableError as error:
                # A 429 need not name its limit; if jobs of our own are under way, it may be theirs.
                if error.status != 429 or not await self._follower.make_room():
                    raise
        _log.info("submitted bulk job %s for %s", job_id, interval.as_text())
        self._ledger.note(text, job_id, self._available_until)
        return RememberedJob(job_id, 0.0, known_until=self._available_until)

    async def _taken_over(self, text: str) -> RememberedJob | None:
        """The job that a process before this one submitted for the same, if it is still good."""
        job = self._ledger.recall(text)
        if job is None:
            return None
        try:
            status = await self._client.get_json(f"{JOBS_PATH}/{job.job_id}")
        except (RequestRejectedError, PermissionDeniedError) as error:  # gone, or another client's
            _log.warning("bulk job %s, submitted before, is not to be had any more: %s", job.job_id, error)
            self._ledger.forget(text)
            return None
        state = status.get("state") or "PENDING"
        is_fresh = job.is_awaited or job.age <= _LONGEST_MEMORY
        if state not in _RUNNING and not (state == "FULFILLED" and is_fresh):
            await self._discard(text, job.job_id)
            return None
        _log.info("taking over bulk job %s, which was submitted before and is %s", job.job_id, state)
        self._ledger.keep(text, awaited=job.is_awaited)
        return job

    async def _wait(self, job_id: str) -> None:
        pauses = self._pauses()
        began = said = self._client.clock.monotonic()
        while True:
            status = await self._status(job_id)
            state = str(status.get("state") or "PENDING")  # 202 means running, even without a state
            self._progress.job_state = state
            if state == "FULFILLED":
                return
            if state not in _RUNNING:
                raise _failed(job_id, state, status)
            now = self._client.clock.monotonic()
            if now - said >= _SECONDS_BETWEEN_WORDS:
                said = now
                _log.info("bulk job %s is %s, waiting since %.0f s", job_id, state, now - began)
            if not await pauses.pause():
                raise _timed_out(job_id, state, self._settings.max_wait)

    async def _status(self, job_id: str) -> dict[str, Any]:
        try:
            return await self._client.get_json(f"{JOBS_PATH}/{job_id}")
        except RequestRejectedError as error:
            if is_gone(error):
                raise gone(job_id, error) from error
            raise

    def _pauses(self, what: str | None = None) -> Pauses:
        settings = self._settings
        return Pauses(
            self._client.clock,
            first=settings.first_poll,
            longest=settings.longest_poll,
            patience=settings.max_wait.total_seconds(),
            what=what,
        )

    async def _discard(self, text: str, job_id: str) -> None:
        """Remove the job: always, even on cancellation, but never at the expense of what is going on."""
        deletion = asyncio.ensure_future(self._try_to_delete(text, job_id))
        try:
            await asyncio.shield(deletion)
        except asyncio.CancelledError:
            await asyncio.wait([deletion])
            raise

    async def _try_to_delete(self, text: str, job_id: str) -> None:
        try:
            async with asyncio.timeout(_DELETE_PATIENCE):
                await self._client.request("DELETE", f"{JOBS_PATH}/{job_id}")
        except (GenesysError, TimeoutError) as error:
            if not (isinstance(error, RequestRejectedError) and error.status == 404):
                reason = str(error) or "no answer in time"
                _log.warning("bulk job %s stays behind until it expires: %s", job_id, reason)
                self._ledger.leave(text)
                return
        self._ledger.forget(text)


def _read_job_id(response: Response) -> str:
    job_id = response.json().get("jobId")
    if not isinstance(job_id, str) or not job_id:
        raise MalformedResponseError("the answer to the submitted job holds no jobId")
    return job_id


def _failed(job_id: str, state: str, status: dict[str, Any]) -> JobFailedError:
    path, known = f"{JOBS_PATH}/{job_id}", state in _REMEDIES
    if state == "EXPIRED":
        return JobGoneError(f"bulk job {job_id} expired", method="GET", path=path)
    message = status.get("errorMessage")
    return JobFailedError(
        f"bulk job {job_id} ended as {state}"
        if known
        else f"bulk job {job_id} is in the unknown state {state!r}",
        method="GET",
        path=path,
        message=str(message) if message else None,
        remedy=_REMEDIES.get(state, "This version does not know that state: update it."),
        retryable=known,
    )


def _timed_out(job_id: str, state: str, max_wait: timedelta) -> JobFailedError:
    return _StillRunningError(
        f"bulk job {job_id} is still {state} after {max_wait}",
        method="GET",
        path=f"{JOBS_PATH}/{job_id}",
        remedy="The next attempt goes on waiting for it; raise max_job_wait to wait longer in one go.",
    )
