"""Late activity: the conversations that were alive in an interval, those that began before it first.

Genesys Cloud keeps no time of last modification. But a bulk job in overlap mode returns every conversation that was
alive in an interval, and each record tells when its segments, metrics and assessments came about.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from genesys_dagster.genesys.ahead import submitted_ahead
from genesys_dagster.genesys.availability import data_available_until, require_availability
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.job_memory import JobLedger, Later
from genesys_dagster.genesys.jobs import BulkJob, JobSettings
from genesys_dagster.genesys.json_text import read_json
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.progress import ExportProgress


async def alive_in(  # noqa: PLR0913 - what to ask for, and how
    client: GenesysClient,
    interval: Interval,
    settings: JobSettings | None = None,
    *,
    progress: ExportProgress | None = None,
    ledger: JobLedger | None = None,
    later: Sequence[Later] = (),
) -> AsyncGenerator[Page, None]:
    """Yield the pages of the conversations that were alive in an interval, in order of their start.

    One job. Iterate under `contextlib.aclosing` and close it with the first conversation that began in the interval:
    what is read then are the long-lived conversations, not the days' whole volume.

    Args:
        client: An open client.
        interval: Of any length.
        settings: How to wait and read.
        progress: Kept up to date.
        ledger: As in `BulkJob`.
        later: What is read after it; its jobs are submitted with this one.

    Raises:
        DataNotAvailableError: The watermark has not reached the interval's end.
        GenesysError: As in `GenesysClient.fetch` and `BulkJob`.
    """
    progress = progress or ExportProgress(source="job")
    available_until = await data_available_until(client)
    require_availability(interval, available_until)

    def job_for(interval: Interval, ledger: JobLedger | None) -> BulkJob:
        return BulkJob(
            client,
            interval,
            settings or JobSettings(),
            progress,
            available_until,
            by_start_day=False,
            ledger=ledger,
            is_end=lambda page: _reaches_into(page, interval),
        )

    job = job_for(interval, ledger)
    ahead = submitted_ahead(later, job_for, available_until, client.clock)
    async with await job.submit(), ahead, aclosing(job.pages()) as pages:
        async for page in pages:
            progress.pages += 1
            progress.records += page.records
            yield page


class _Start(msgspec.Struct, rename="camel"):
    conversation_start: Any = None


class _Starts(msgspec.Struct):
    conversations: list[_Start] | None = None


_decoder = msgspec.json.Decoder(_Starts)


def _reaches_into(page: Page, interval: Interval) -> bool:
    """Whether a conversation of the page began in the interval, so that no older one is missing after it."""
    starts = read_json(page.body, _decoder, _Starts).conversations or ()
    return any(_began_by(start.conversation_start, interval) for start in starts)


def _began_by(start: object, interval: Interval) -> bool:
    try:
        return isinstance(start, str) and parse_instant(start) >= interval.start
    except ValueError:
        return False
