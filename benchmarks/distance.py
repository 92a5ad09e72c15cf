"""A day from a server whose answers come late, within the rate limit: `python -m benchmarks distance`.

What counts is the time from the first page to the last: the limit alone dictates that of as many requests, spread evenly
over minutes.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import report
from benchmarks.client import client_settings
from benchmarks.data import window
from benchmarks.servers import server
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval

SIZES = (50_000, 100_000)
LATENCIES = (0.3, 1.0, 1.5)  # s
PER_MINUTE = 300

_PAGE = 1_000


def run(sizes: Sequence[int] = SIZES, *, quick: bool = False, docs: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save; one row per size, latency and way."""
    ways: list[tuple[float, int | None]] = [*((seconds, None) for seconds in LATENCIES), (1.0, 1)]
    if quick:
        sizes, ways = (20_000,), ways[:1]
    rows = [_row(size, seconds, slices) for size in sizes for seconds, slices in ways]
    report.keep("distance", {f"At most {PER_MINUTE} requests a minute": rows}, docs=docs)
    return rows


def _row(size: int, latency: float, slices: int | None) -> dict[str, Any]:
    way = "one job" if slices else "as it is"
    print(f"{size:,} conversations, {latency:g} s away: {way}", flush=True)
    with server("benchmarks.distant_server", str(size), str(latency), str(PER_MINUTE)) as url:
        began = time.perf_counter()
        rows, requests, at = asyncio.run(_pages(url, slices))
    if rows != size:
        raise AssertionError(f"{way} brought {rows:,} of {size:,} conversations")
    dictated = (size / _PAGE - 1) * 60 / PER_MINUTE
    return {
        "conversations": size,
        "s away": latency,
        "export": way,
        "requests": requests,
        "seconds": at[-1] - began,
        "to the first page": at[0] - began,
        "first page to last": at[-1] - at[0],
        "dictated by the limit": dictated,
        "of what the limit allows": dictated / (at[-1] - at[0]),
    }


async def _pages(url: str, slices: int | None) -> tuple[int, int, list[float]]:
    """How many conversations came, with how many requests, and when each page did."""
    settings = client_settings(url, PER_MINUTE)
    rows, at = 0, []
    async with GenesysClient(settings) as client:
        details = ConversationDetails(client, source="job", job_slices=slices)
        async for page in details.pages(Interval(*window())):
            rows += page.records
            at.append(time.perf_counter())
        return rows, client.stats.requests, at
