"""Jobs of what is read later, submitted while something else is read: Genesys Cloud makes their results meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from genesys_dagster.genesys.clock import Clock
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import JobLedger, Later
from genesys_dagster.genesys.jobs import BulkJob
from genesys_dagster.genesys.paging import cancel_all
from genesys_dagster.genesys.slices import BETWEEN_SUBMITS

_log = logging.getLogger(__name__)
_PATIENCE = 10.0  # s; for the answer to a job that is being submitted, so that it is noted


@asynccontextmanager
async def submitted_ahead(
    later: Sequence[Later],
    job_for: Callable[[Interval, JobLedger], BulkJob],
    available_until: datetime,
    clock: Clock,
) -> AsyncIterator[None]:
    """Submit the jobs of what is read later, one after the other, while the block runs.

    They are good to have: what cannot be submitted is in its turn.

    Args:
        later: What is read later, in that order, as far as the watermark has passed.
        job_for: Makes the job.
        available_until: The watermark.
        clock: Passes the time.
    """
    is_over = asyncio.Event()

    async def submit() -> None:
        for interval, ledger in later:
            if interval.end > available_until:
                return
            await clock.sleep(BETWEEN_SUBMITS)
            if is_over.is_set():
                return
            try:
                await job_for(interval, ledger).submit_ahead()
            except GenesysError as error:
                _log.info("the bulk job for %s is not submitted ahead: %s", interval.as_text(), error)
                return

    submitting = asyncio.create_task(submit())
    try:
        yield
        await submitting
    finally:
        is_over.set()
        await asyncio.wait([submitting], timeout=_PATIENCE)
        await cancel_all([submitting])
