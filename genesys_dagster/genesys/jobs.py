"""The bulk job: submit or take over, wait, read the results, and clean up."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import msgspec

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
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
from genesys_dagster.telemetry import Reason

_log = logging.getLogger(__name__)
_DELETE_PATIENCE = 10.0  # s; cleaning up must not hold up the end of a run
# How old results may be that are taken over, unless somebody was waiting for them: they stay readable for longer, but
# a later run wants what has happened since.
_LONGEST_MEMORY = 6 * 3600.0  # s
_SUBMITTED_ANEW = 3  # times in one go, if the job vanishes again and again

# SDK 269 models/async_query_status.py lists the states.
_RUNNING = {"QUEUED", "PENDING"}
_REMEDIES = {
    "FAILED": "Run the step again; if it fails again, give Genesys support the correlation id.",
    "CANCELLED": "Somebody cancelled the job; run the step again.",
}

MakeRoom = Callable[[], Awaitable[bool]]
"""Waits until one of our own jobs has ended; False if there is none."""


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


class _StillRunningError(JobFailedError):
    """Nothing is wrong with the job, it takes longer."""


# Whoever tries again finds the job done, or further.
_WITHOUT_FAULT_OF_THE_JOB = (ServiceUnavailableError, MalformedResponseError, _StillRunningError)


async def _none_of_ours() -> bool:
    return False


class BulkJob:
    """A bulk job: `submit` it, and read its `pages` under `async with`, which deletes it or leaves it to the next.

    Args:
        client: An open client.
        interval: What to ask for.
        settings: How to wait and read.
        progress: Kept up to date.
        available_until: The watermark, asked for before.
        by_start_day: Whether to select by start day, like the interactive query; otherwise a job returns every
            conversation that was alive in the interval, however long ago it started (SDK 269
            models/async_conversation_query.py, startOfDayIntervalMatching).
        ledger: Where submitted jobs are remembered, if anywhere: a process that dies, or that has no more patience,
            leaves its job to the next.
        expected: How many records to expect, once that is known.
        is_end: Tells of a last page whether it can be the last, where no number is known.
        details: Which family of records to ask for.
    """

    def __init__(  # noqa: PLR0913 - what to ask for, and how to judge the answer
        self,
        client: GenesysClient,
        interval: Interval,
        settings: JobSettings,
        progress: ExportProgress,
        available_until: datetime,
        *,
        by_start_day: bool = True,
        ledger: JobLedger | None = None,
        expected: Awaitable[int | None] | None = None,
        is_end: Callable[[Page], bool] | None = None,
        details: Details = CONVERSATIONS,
    ) -> None:
        self._client = client
        self._interval = interval
        self._settings = settings
        self._progress = progress
        self._available_until = available_until
        self._has_ledger = ledger is not None
        self._ledger: JobLedger = ledger or NoLedger()
        self._expected = expected
        self._is_end = is_end
        self._details = details
        self._question = details.asked(interval)
        if details.knows_start_days:
            self._question["startOfDayIntervalMatching"] = by_start_day
        self._key = msgspec.json.encode(self._question, order="deterministic").decode()
        self._held = AsyncExitStack()  # what to do about the job that the server holds, while it holds one

    async def submit(self, make_room: MakeRoom = _none_of_ours) -> Self:
        """Submit the job, or take over the one that a process before this one left.

        Args:
            make_room: Called when the server takes no more jobs.

        Raises:
            JobLimitError: It takes no more for as long as a job may take.
            GenesysError: As in `GenesysClient.fetch`.
        """
        self._progress.job_id = None
        self._job = await self._taken_over() or await self._submit_when_allowed(make_room)
        self._progress.job_id = self._job.job_id
        self._held.push_async_exit(self._let_go)
        return self

    async def submit_ahead(self) -> None:
        """Submit the job for whoever asks the same later with the same ledger, unless one is noted already.

        Raises:
            GenesysError: As in `GenesysClient.fetch`, after one attempt.
        """
        if self._ledger.recall(self._key) is None:
            await self._submit_once(attempts=1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._held.__aexit__(kind, error, trace)

    async def pages(self) -> AsyncGenerator[Page, None]:
        """Yield the result pages.

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
                async with aclosing(self._results()) as pages:
                    async for page in pages:
                        yield page
                    return
            except JobGoneError as error:
                if anew == _SUBMITTED_ANEW:
                    raise
                _log.warning("submitting the bulk job anew: %s", error)
            await self._held.aclose()
            await self.submit()

    async def _results(self) -> AsyncGenerator[Page, None]:
        if not self._job.is_done:
            await self._wait(self._job.job_id)
        chain = Chain(
            self._settings.page_size, await self._expected if self._expected else None, self._is_end
        )
        results = JobResults(self._client, self._progress, self._job, chain, self._details)
        async with aclosing(results.pages(self._interval)) as pages:
            async for page in pages:
                yield page

    async def _submit_when_allowed(self, make_room: MakeRoom) -> RememberedJob:
        pauses = self._pauses("leave to submit a bulk job, as others' are under way", "job_limit")
        while True:
            try:
                return await self._submit_once()
            except JobLimitError as error:
                if await make_room():
                    continue
                _log.info("waiting for another program's bulk job to end: %s", error)
                if not await pauses.pause(at_least=error.retry_after or 0.0):
                    raise
            except ServiceUnavailableError as error:
                # A 429 need not name its limit; if jobs of our own are under way, it may be theirs.
                if error.status != 429 or not await make_room():
                    raise

    async def _submit_once(self, attempts: int | None = None) -> RememberedJob:
        job_id = await self._client.fetch(
            "POST", self._details.jobs, _read_job_id, json=self._question, repeatable=False, attempts=attempts
        )
        _log.info("submitted bulk job %s for %s", job_id, self._interval.as_text())
        self._ledger.note(self._key, job_id, self._available_until)
        return RememberedJob(job_id, 0.0, known_until=self._available_until)

    async def _taken_over(self) -> RememberedJob | None:
        """The job that a process before this one submitted for the same, if it is still good."""
        job = self._ledger.recall(self._key)
        if job is None:
            return None
        try:
            status = await self._client.get_json(self._path(job.job_id))
        except (RequestRejectedError, PermissionDeniedError) as error:  # gone, or another client's
            _log.warning("bulk job %s, submitted before, is not to be had any more: %s", job.job_id, error)
            self._ledger.forget(self._key)
            return None
        state = status.get("state") or "PENDING"
        is_fresh = job.is_awaited or job.age <= _LONGEST_MEMORY
        if state not in _RUNNING and not (state == "FULFILLED" and is_fresh):
            await self._discard(job.job_id)
            return None
        _log.info("taking over bulk job %s, which was submitted before and is %s", job.job_id, state)
        self._ledger.keep(self._key, awaited=job.is_awaited)
        return replace(job, is_done=state not in _RUNNING)

    async def _wait(self, job_id: str) -> None:
        pauses = self._pauses(f"bulk job {job_id} to be done")
        while True:
            status = await self._status(job_id)
            state = str(status.get("state") or "PENDING")  # 202 means running, even without a state
            if state == "FULFILLED":
                return
            if state not in _RUNNING:
                raise _failed(self._path(job_id), job_id, state, status)
            if not await pauses.pause():
                raise _timed_out(self._path(job_id), job_id, state, self._settings.max_wait)

    async def _status(self, job_id: str) -> dict[str, Any]:
        try:
            return await self._client.get_json(self._path(job_id))
        except RequestRejectedError as error:
            if is_gone(error):
                raise gone(job_id, error) from error
            raise

    def _path(self, job_id: str) -> str:
        return f"{self._details.jobs}/{job_id}"

    def _pauses(self, what: str, reason: Reason = "job") -> Pauses:
        settings = self._settings
        return Pauses(
            self._client.clock,
            first=settings.first_poll,
            longest=settings.longest_poll,
            patience=settings.max_wait.total_seconds(),
            what=what,
            reason=reason,
        )

    async def _let_go(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._has_ledger and isinstance(error, _WITHOUT_FAULT_OF_THE_JOB):
            self._ledger.keep(self._key, awaited=isinstance(error, _StillRunningError))
        else:
            await self._discard(self._job.job_id)

    async def _discard(self, job_id: str) -> None:
        """Remove the job: always, even on cancellation, but never at the expense of what is going on."""
        deletion = asyncio.ensure_future(self._try_to_delete(job_id))
        try:
            await asyncio.shield(deletion)
        except asyncio.CancelledError:
            await asyncio.wait([deletion])
            raise

    async def _try_to_delete(self, job_id: str) -> None:
        try:
            async with asyncio.timeout(_DELETE_PATIENCE):
                await self._client.request("DELETE", self._path(job_id))
        except (GenesysError, TimeoutError) as error:
            if not (isinstance(error, RequestRejectedError) and error.status == 404):
                reason = str(error) or "no answer in time"
                _log.warning("bulk job %s stays behind until it expires: %s", job_id, reason)
                self._ledger.leave(self._key)
                return
        self._ledger.forget(self._key)


def _read_job_id(response: Response) -> str:
    job_id = response.json().get("jobId")
    if not isinstance(job_id, str) or not job_id:
        raise MalformedResponseError("the answer to the submitted job holds no jobId")
    return job_id


def _failed(path: str, job_id: str, state: str, status: dict[str, Any]) -> JobFailedError:
    known = state in _REMEDIES
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


def _timed_out(path: str, job_id: str, state: str, max_wait: timedelta) -> JobFailedError:
    return _StillRunningError(
        f"bulk job {job_id} is still {state} after {max_wait}",
        method="GET",
        path=path,
        remedy="The next attempt goes on waiting for it; raise max_job_wait to wait longer in one go.",
    )
