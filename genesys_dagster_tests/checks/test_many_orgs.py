"""No false alarm: days of several orgs, as they are, agree with what their Genesys Cloud counts."""

import asyncio
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genesys_dagster.checks.reconciliation import compare_day
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.resources import GenesysResource
from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.checks.tables import decoded


def stored(records):
    """Records as an object of the lake."""
    body = io.BytesIO()
    pq.write_table(decoded(records), body)
    body.seek(0)
    fragment = ds.ParquetFileFormat().make_fragment(body)
    return ds.FileSystemDataset([fragment], fragment.physical_schema, ds.ParquetFileFormat())


@pytest.mark.parametrize(
    ("seed", "day", "zone", "conversations", "times_queues", "compared"),
    [
        (2, date(2026, 5, 16), "UTC", 400, 1, 200),  # a Saturday
        (6, date(2026, 10, 25), "Europe/Berlin", 400, 1, 200),  # 25 hours
        (8, date(2026, 7, 1), "Asia/Kathmandu", 300, 1, 200),  # half hours begin at a quarter to and past
        (3, date(2026, 5, 12), "UTC", 700, 8, 1_000),  # 112 queues
        (12, date(2026, 6, 14), "UTC", 20, 1, 10),
    ],
)
def test_a_day_as_it_is_agrees(monkeypatch, seed, day, zone, conversations, times_queues, compared):
    many = [(f"{name} {n}", *fields) for n in range(times_queues) for name, *fields in names.QUEUES]
    monkeypatch.setattr(names, "QUEUES", many)
    bounds = [datetime(*at.timetuple()[:3], tzinfo=ZoneInfo(zone)) for at in (day, day + timedelta(days=1))]
    interval = Interval(*bounds)
    org = Org(seed, conversations, reprocessed=0.3, now=lambda: datetime(2026, 12, 1, 9, 30, tzinfo=UTC))
    records = [
        record
        for at in (day - timedelta(days=1), day, day + timedelta(days=1))
        for record in org.day(at)
        if interval.start <= datetime.fromisoformat(record["conversationStart"]) < interval.end
    ]
    with SandboxServer(org) as server:
        genesys = GenesysResource(
            client_id="sandbox", client_secret="sandbox-secret", api_url=server.url, login_url=server.url
        )
        found = asyncio.run(compare_day(genesys, interval, stored(records)))
        asked = len(server.requests)
    assert (found.passed, found.summary) == (
        True, f"All {found.figures['values_compared']:,} values agree with Genesys Cloud's aggregates.",
    )  # fmt: skip
    assert found.figures["values_compared"] > compared
    assert found.figures["values_by_half_hour"] > found.figures["values_by_agent"] > 20
    assert found.figures["conversations_of_other_days"] > 0
    assert asked < 15
