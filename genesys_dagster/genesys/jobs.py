"""The bulk job: submit, wait, read the results by cursor, and clean up."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from genesys_dagster.genesys.availability import JOBS_PATH, require_availability
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import (
    GenesysError,
    JobFailedError,
    JobLimitError,
    MalformedResponseError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.pages import Envelope, Page, read_envelope
from genesys_dagster.genesys.paging import CursorTrail, along_cursor
from genesys_dagster.genesys.pauses import Pauses
from genesys_dagster.genesys.progress import ExportProgress
from genesys_dagster.genesys.query import is_too_large
from genesys_dagster.genesys.responses import Response

_log = logging.getLogger(__name__)
_RESULTS_AHEAD = 2  # pages; enough to keep fetching while the consumer works, few enough to bound memory
_DELETE_PATIENCE = 10.0  # s; cleaning up must not hold up the end of a run
# How old a job may be that is taken over. Results stay readable for longer, but they age: a later run wants what
# has happened since.
_LONGEST_MEMORY = 6 * 3600.0  # s

# SDK 269 models/async_query_status.py lists the states.
_RUNNING = {"QUEUED", "PENDING"}
_REMEDIES = {
    "FAILED": "Run the step again; if it fails again, give Genesys support the correlation id.",
    "CANCELLED": "Somebody cancelled the job; run the step again.",
    "EXPIRED": "The results were not read in time; run the step again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """How a bulk job is waited for and read.

    Attributes:
        page_size: Records per result page. No maximum is documented; vendor-run connectors use 1000
            (estuary/connectors, source-genesys).
        max_wait: How long a job may take before it is given up; also how long to wait until one may be submitted
            while others use up what the organization may have at once.
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


class JobLedger(Protocol):
    """Remembers submitted jobs beyond the life of this process; a question is what a job was asked."""

    def recall(self, question: str, max_age: float) -> str | None:
        """The job of a question that was submitted at most `max_age` seconds ago and not forgotten."""

    def note(self, question: str, job_id: str) -> None:
        """A job was submitted."""

    def forget(self, question: str) -> None:
        """The job of a question is deleted, or of no use."""


class BulkJob:
    """Pages of a bulk job.

    Args:
        client: An open client.
        settings: How to wait and read.
        progress: Kept up to date.
        by_start_day: Whether to select by start day, like the interactive query; otherwise a job returns every
            conversation that was alive in the interval, however long ago it started (SDK 269
            models/async_conversation_query.py, startOfDayIntervalMatching).
        ledger: Where submitted jobs are remembered, if anywhere: a process that dies leaves its job to the next.
        follower: Told how far the job is.
    """

    def __init__(  # noqa: PLR0913 - a job, and who follows it
        self,
        client: GenesysClient,
        settings: JobSettings,
        progress: ExportProgress,
        *,
        by_start_day: bool = True,
        ledger: JobLedger | None = None,
        follower: JobFollower | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._progress = progress
        self._by_start_day = by_start_day
        self._ledger = ledger
        self._follower = follower or JobFollower()
        self._page_size = settings.page_size

    async def pages(self, interval: Interval) -> AsyncGenerator[Page, None]:
        """Yield the result pages of a new job.

        If the job vanishes while it is waited for or read, it is submitted once more and read from the start, so
        conversations may come twice; nothing is left out.
        """
        try:
            async with aclosing(self._one_job(interval)) as pages:
                async for page in pages:
                    yield page
                return
        except RequestRejectedError as error:
            if error.status != 404 or self._progress.job_id is None:
                raise
            _log.warning("bulk job %s is gone, submitting it once more: %s", self._progress.job_id, error)
        async with aclosing(self._one_job(interval)) as pages:
            async for page in pages:
                yield page

    async def _one_job(self, interval: Interval) -> AsyncGenerator[Page, None]:
        self._progress.job_id = None
        question = self._question(interval)
        job_id = await self._recall(question) or await self._submit_when_allowed(interval, question)
        self._progress.job_id = job_id
        is_left_to_the_next_attempt = False
        try:
            self._follower.submitted()
            await self._wait(job_id)
            async with aclosing(self._results(job_id, interval)) as pages:
                async for page in pages:
                    yield page
            self._follower.read()
        except (ServiceUnavailableError, MalformedResponseError):
            # Nothing is wrong with the job: whoever tries again finds it done.
            is_left_to_the_next_attempt = self._ledger is not None
            raise
        finally:
            if not is_left_to_the_next_attempt:
                await self._delete(job_id)
                if self._ledger is not None:
                    self._ledger.forget(_text(question))

    def _question(self, interval: Interval) -> dict[str, Any]:
        return {
            "interval": interval.as_text(),
            "order": "asc",
            "orderBy": "conversationStart",
            "startOfDayIntervalMatching": self._by_start_day,
        }

    async def _submit_when_allowed(self, interval: Interval, question: dict[str, Any]) -> str:
        pauses = self._pauses("leave to submit a bulk job, as others' are under way")
        while True:
            try:
                return await self._submit(interval, question)
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

    async def _submit(self, interval: Interval, question: dict[str, Any]) -> str:
        job_id = await self._client.fetch("POST", JOBS_PATH, _read_job_id, json=question, repeatable=False)
        _log.info("submitted bulk job %s for %s", job_id, interval.as_text())
        if self._ledger is not None:
            self._ledger.note(_text(question), job_id)
        return job_id

    async def _recall(self, question: dict[str, Any]) -> str | None:
        """The job that a process before this one submitted for the same, if it is still good."""
        if self._ledger is None:
            return None
        job_id = self._ledger.recall(_text(question), _LONGEST_MEMORY)
        if job_id is None:
            return None
        try:
            status = await self._client.get_json(f"{JOBS_PATH}/{job_id}")
        except RequestRejectedError as error:
            if error.status != 404:
                raise
            return None
        if (status.get("state") or "PENDING") not in _RUNNING | {"FULFILLED"}:
            return None
        _log.info("taking over bulk job %s, which was submitted before", job_id)
        return job_id

    async def _wait(self, job_id: str) -> None:
        pauses = self._pauses()
        while True:
            status = await self._client.get_json(f"{JOBS_PATH}/{job_id}")
            state = status.get("state") or "PENDING"  # 202 means running, even without a state
            self._progress.job_state = str(state)
            if state == "FULFILLED":
                return
            if state not in _RUNNING:
                raise _failed(job_id, status)
            if not await pauses.pause():
                raise _timed_out(job_id, str(state), self._settings.max_wait)

    def _pauses(self, what: str | None = None) -> Pauses:
        settings = self._settings
        return Pauses(
            self._client.clock,
            first=settings.first_poll,
            longest=settings.longest_poll,
            patience=settings.max_wait.total_seconds(),
            what=what,
        )

    async def _results(self, job_id: str, interval: Interval) -> AsyncGenerator[Page, None]:
        trail = CursorTrail(f"{JOBS_PATH}/{job_id}/results")

        async def fetch(cursor: str | None) -> tuple[Envelope, str | None]:
            envelope = await self._fetch_results(job_id, cursor)
            return envelope, trail.follow(envelope.next_cursor)

        async with aclosing(along_cursor(fetch, _RESULTS_AHEAD)) as envelopes:
            async for envelope in envelopes:
                if envelope.available_until is not None:
                    self._progress.available_until = envelope.available_until
                    require_availability(interval, envelope.available_until)
                yield envelope.page

    async def _fetch_results(self, job_id: str, cursor: str | None) -> Envelope:
        params: dict[str, str | int] = {"pageSize": self._page_size}
        if cursor is not None:
            params["cursor"] = cursor
        try:
            return await self._client.fetch(
                "GET", f"{JOBS_PATH}/{job_id}/results", read_envelope, params=params
            )
        except RequestRejectedError as error:
            if not is_too_large(error) or self._page_size == 1:
                raise
        self._page_size //= 2
        _log.info("result pages are too large for the server, going on with %d records each", self._page_size)
        return await self._fetch_results(job_id, cursor)

    async def _delete(self, job_id: str) -> None:
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
                await self._client.request("DELETE", f"{JOBS_PATH}/{job_id}")
        except RequestRejectedError as error:
            if error.status != 404:
                _log.warning("bulk job %s stays behind until it expires: %s", job_id, error)
        except (GenesysError, TimeoutError) as error:
            _log.warning(
                "bulk job %s stays behind until it expires: %s", job_id, str(error) or "no answer in time"
            )


def _text(question: dict[str, Any]) -> str:
    return msgspec.json.encode(question, order="deterministic").decode()


class _Submitted(msgspec.Struct, rename="camel"):
    job_id: str


def _read_job_id(response: Response) -> str:
    try:
        job_id = msgspec.json.decode(response.body, type=_Submitted).job_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        job_id = ""
    if not job_id:
        raise MalformedResponseError("the answer to the submitted job holds no jobId")
    return job_id


def _failed(job_id: str, status: dict[str, Any]) -> JobFailedError:
    state = str(status["state"])
    known = state in _REMEDIES
    message = status.get("errorMessage")
    return JobFailedError(
        f"bulk job {job_id} ended as {state}"
        if known
        else f"bulk job {job_id} is in the unknown state {state!r}",
        method="GET",
        path=f"{JOBS_PATH}/{job_id}",
        message=str(message) if message else None,
        remedy=_REMEDIES.get(state, "This version does not know that state: update it."),
        retryable=known,
    )


def _timed_out(job_id: str, state: str, max_wait: timedelta) -> JobFailedError:
    return JobFailedError(
        f"bulk job {job_id} is still {state} after {max_wait}",
        method="GET",
        path=f"{JOBS_PATH}/{job_id}",
        remedy='Try again later, raise max_job_wait, or use source="query".',
    )
