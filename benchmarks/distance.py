"""A day from a server whose answers take a second, within the rate limit: `python -m benchmarks distance`.

The time that the limit alone dictates is that of the requests of one job, spread evenly over minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import report
from benchmarks.data import window
from benchmarks.servers import server
from benchmarks.timing import measured
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.resources import GenesysResource

SIZES = (50_000, 100_000)
LATENCY = 1.0  # s
PER_MINUTE = 300

_PAGE = 1_000
_AROUND = 5  # requests of a job besides its pages: availability, expected rows, submit, state, delete


@dataclass(frozen=True)
class _Contender:
    name: str
    settings: dict[str, Any]


_CONTENDERS = (
    _Contender("as it is", {}),
    _Contender("one job", {"job_slices": 1}),
    _Contender("16 slices, 5 requests at once", {"job_slices": 16, "max_concurrency": 5}),
    _Contender("24 slices", {"job_slices": 24}),
)


def run(sizes: Sequence[int] = SIZES, *, quick: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save; one row per size and contender."""
    contenders = _CONTENDERS[:2] if quick else _CONTENDERS
    rows = [_row(size, contender) for size in (sizes[:1] if quick else sizes) for contender in contenders]
    report.show(f"A day from {LATENCY:g} s away, at most {PER_MINUTE} requests a minute", rows)
    report.save("distance", rows)
    return rows


def _row(size: int, contender: _Contender) -> dict[str, Any]:
    print(f"{size:,} conversations: {contender.name}", flush=True)
    with server("benchmarks.distant_server", str(size), str(LATENCY), str(PER_MINUTE)) as url:
        genesys = GenesysResource(
            client_id="benchmark",
            client_secret="benchmark",
            api_url=url,
            login_url=url,
            source="job",
            requests_per_minute=PER_MINUTE,
            **contender.settings,
        )
        export = genesys.export(Interval(*window()))
        with measured() as cost, export.batches() as batches:
            rows = sum(len(batch) for batch in batches)
    if rows != size:
        raise AssertionError(f"{contender.name} brought {rows:,} of {size:,} conversations")
    dictated = (size / _PAGE + _AROUND) * 60 / PER_MINUTE
    return {
        "conversations": size,
        "export": contender.name,
        "requests": export.report.api_requests,
        "seconds": cost.seconds,
        "dictated by the limit": dictated,
        "of the limit's": cost.seconds / dictated,
    }
