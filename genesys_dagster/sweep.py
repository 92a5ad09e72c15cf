"""Older conversations in which something happened, as typed rows: where `genesys` and `records` meet once more."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pyarrow as pa

from genesys_dagster.genesys.activity import ActivePage, late_activity
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.jobs import JobSettings
from genesys_dagster.records.decode import decode
from genesys_dagster.records.update import newest


@dataclass(slots=True)
class Sweep:
    """What a sweep found.

    Attributes:
        api_requests: Requests it took.
    """

    api_requests: int = 0
    _batches: list[pa.RecordBatch] = field(default_factory=list)

    def rows(self) -> pa.Table:
        """The conversations, each once as it was seen last, in order of their start."""
        return newest(pa.Table.from_batches([batch]) for batch in self._batches).sort_by("conversationStart")

    def take(self, found: ActivePage) -> None:
        """Keep those conversations of a page in which something happened."""
        decoded = decode([found.page.body], found.page.records_key)
        is_active = [identity in found.active for identity in decoded.rows["conversationId"].to_pylist()]
        self._batches.append(decoded.rows.filter(pa.array(is_active, pa.bool_())))


async def sweep(client: GenesysClient, intervals: Sequence[Interval], settings: JobSettings) -> Sweep:
    """Find the conversations that began before an interval and had activity in it.

    One bulk job for each interval, read only as far as conversations are older than the interval. The rows are held
    in memory: a day's active long-lived conversations, not its volume.

    Args:
        client: An open client.
        intervals: When activity counts, in time order; a conversation belongs to each in which it was active.
        settings: How to wait for the jobs and read them.

    Raises:
        DataNotAvailableError: The jobs' watermark has not reached an interval's end.
        GenesysError: As in `genesys.activity.late_activity`.
        DecodeError: A page does not hold conversations.
    """
    result = Sweep()
    for interval in intervals:
        async with aclosing(late_activity(client, interval, settings)) as pages:
            async for page in pages:
                result.take(page)
    result.api_requests = client.stats.requests
    return result
