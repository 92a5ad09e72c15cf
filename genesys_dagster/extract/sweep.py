"""Older conversations in which something happened, as typed rows: where `genesys` and `records` meet once more."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.activity import alive_in
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import JobLedger, Later
from genesys_dagster.genesys.jobs import JobSettings
from genesys_dagster.records.activity import had_activity
from genesys_dagster.records.decode import decode
from genesys_dagster.records.learned import Learned
from genesys_dagster.records.update import newest

_BEFORE_ALL = -(2**63)


class Sweep:
    """The conversations that began before an interval and had activity in it. Nothing is asked before `rows()`.

    One bulk job for each interval, read only as far as conversations are older than the interval.

    Args:
        open_client: Returns the client to read with, as an async context manager.
        intervals: When activity counts, in time order; a conversation belongs to each in which it was active.
        settings: How to wait for the jobs and read them.
        ledger: Where the job of an interval is remembered, if anywhere.
        later: What is swept after them.
        ahead: How many of the next intervals' jobs are submitted while one is read, if they are remembered.

    Attributes:
        api_requests: Requests it took; 0 before `rows()`.
    """

    def __init__(  # noqa: PLR0913 - what to ask for, and how
        self,
        open_client: Callable[[], AbstractAsyncContextManager[GenesysClient]],
        intervals: Sequence[Interval],
        settings: JobSettings,
        ledger: Callable[[Interval], JobLedger] | None = None,
        *,
        later: Sequence[Interval] = (),
        ahead: int = 0,
    ) -> None:
        self._open_client = open_client
        self._intervals = intervals
        self._settings = settings
        self._ledger = ledger
        self._later = later
        self._ahead = ahead
        self.api_requests = 0

    def rows(self) -> pa.Table:
        """Read them: each conversation once as it was seen last, in order of their start.

        The rows are held in memory: a day's active long-lived conversations, not its volume.

        Raises:
            DataNotAvailableError: The jobs' watermark has not reached an interval's end.
            GenesysError: As in `genesys.activity.alive_in`.
            DecodeError: A page does not hold conversations.
        """
        batches = run_apart(self._read())
        return newest(pa.Table.from_batches([batch]) for batch in batches).sort_by("conversationStart")

    async def _read(self) -> list[pa.RecordBatch]:
        async with self._open_client() as client:
            try:
                return [
                    batch
                    for at, interval in enumerate(self._intervals, start=1)
                    async for batch in late_activity(
                        client,
                        interval,
                        self._settings,
                        self._ledger(interval) if self._ledger else None,
                        self._next(at),
                    )
                ]
            finally:
                self.api_requests = client.stats.requests

    def _next(self, at: int) -> list[Later]:
        intervals = [*self._intervals[at:], *self._later][: self._ahead]
        return [Later(each, self._ledger(each)) for each in intervals] if self._ledger else []


async def late_activity(
    client: GenesysClient,
    interval: Interval,
    settings: JobSettings | None = None,
    ledger: JobLedger | None = None,
    later: Sequence[Later] = (),
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Yield the rows of the conversations that began before the interval and had activity in it; errors as `Sweep`.

    A record without a readable start belongs to no day and is left out.
    """
    # In numbers: Python knows no instant before the year 1, which a record may have all the same.
    begin = round(interval.start.timestamp() * 1000)
    reached, is_in_order = _BEFORE_ALL, True
    learned = Learned()
    async with aclosing(alive_in(client, interval, settings, ledger=ledger, later=later)) as pages:
        async for page in pages:
            rows = decode([page.body], page.records_key, learned).rows
            starts = rows["conversationStart"]
            for start in starts.drop_null().cast(pa.int64()).to_pylist():
                is_in_order = is_in_order and start >= reached
                reached = max(reached, start)
            is_older = pc.less(starts, pa.scalar(interval.start, starts.type))
            found = rows.filter(pc.and_(is_older, had_activity(rows, interval.start, interval.end)))
            if len(found):
                yield found
            if is_in_order and reached >= begin:
                return
