"""A day of user status, from the API's pages to typed rows: where `genesys` and `records` meet for users.

A day is held in memory as a whole: some thirty periods per agent (inferred from an org's month), a few MB per thousand
agents.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.user_details import UserDetails
from genesys_dagster.records.user_status import PERIODS, began_before, began_in, distinct, read_periods


@dataclass(slots=True)
class UserStatus:
    """What was read of a day.

    Attributes:
        began: Periods that began in the window, each once.
        late: Those that began before and were not over when it began.
        users: How many users have one of these.
        duplicates_dropped: Further copies of periods.
        contradictory: Those of them with another status than the copy that was kept.
        outside_window_dropped: Periods that have nothing to do with the window.
        unknown_fields: Path to how often a value was kept aside.
        source: `job` or `query`.
        pages: Pages read.
        api_requests: Requests that it took.
        api_retries: Those of them that repeated others.
        known_until: What happened before this instant is in the rows.
    """

    began: pa.Table
    late: pa.Table
    users: int
    duplicates_dropped: int
    contradictory: int
    outside_window_dropped: int
    source: str | None
    pages: int
    api_requests: int
    api_retries: int
    known_until: datetime
    unknown_fields: Counter[str] = field(default_factory=Counter)


def read_user_status(
    open_client: Callable[[], AbstractAsyncContextManager[GenesysClient]],
    details: Callable[[GenesysClient], UserDetails],
    window: Interval,
) -> UserStatus:
    """Read the periods that have to do with a window.

    Args:
        open_client: Returns the client to read with, as an async context manager.
        details: Given the open client, returns the reader.
        window: The day.

    Raises:
        GenesysError: The API cannot be read.
        DecodeError: What it answers is not a page of user details.
    """
    return run_apart(_read(open_client, details, window))


async def _read(
    open_client: Callable[[], AbstractAsyncContextManager[GenesysClient]],
    details: Callable[[GenesysClient], UserDetails],
    window: Interval,
) -> UserStatus:
    pieces: list[pa.Table] = [PERIODS.empty_table()]
    unknown: Counter[str] = Counter()
    async with open_client() as client:
        known_until = client.clock.now()
        reader = details(client)
        async with aclosing(reader.pages(window)) as pages:
            async for page in pages:
                read = read_periods(page.body, page.records_key)
                pieces.append(read.rows)
                unknown.update(read.unknown_fields)
        progress, stats = reader.progress, client.stats
        if progress.source == "job":
            known_until = progress.available_until or known_until
    found = distinct(pa.concat_tables(pieces))
    inside = began_in(found.rows, window.start, window.end)
    before = began_before(found.rows, window.start)
    began, late = found.rows.filter(inside), found.rows.filter(before)
    return UserStatus(
        began=began,
        late=late,
        users=pc.count_distinct(
            pa.chunked_array([*began["user_id"].chunks, *late["user_id"].chunks], pa.string())
        ).as_py(),
        duplicates_dropped=found.dropped,
        contradictory=found.contradictory,
        outside_window_dropped=found.rows.num_rows - began.num_rows - late.num_rows,
        source=progress.source,
        pages=progress.pages,
        api_requests=stats.requests,
        api_retries=stats.retries,
        known_until=known_until,
        unknown_fields=unknown,
    )
