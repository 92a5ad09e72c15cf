"""Metrics put into the lake by hand, and the figures that the assets make of them."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genesys_dagster.assets.performance import performance
from genesys_dagster.assets.service_level import ServiceLevelConfig
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster_tests.conftest import DAY, Outcome
from genesys_dagster_tests.default_org import (
    PARTITIONS,
    PERFORMANCE,
    agent_performance,
    queue_performance,
    queue_performance_weekly,
    resources_of,
)
from genesys_dagster_tests.schemas import SESSION_METRICS

NAMES = ENTITIES["queues"].schema
QUEUES = [{"id": "sales", "name": "Sales"}]
USERS = [{"id": "u1", "name": "First Agent"}]
ASSETS = {asset.key.to_user_string(): asset for asset in (queue_performance, agent_performance)}


def metric(name, value=1, at="09:10", *, queue="sales", user=None, medium="voice", day=DAY, **more):
    """A row of `session_metrics`; `at` is a time of the day in UTC, an instant, or None."""
    if isinstance(at, str):
        at = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=UTC)
    return {
        "conversation_id": "c1",
        "participant_index": 0,
        "session_index": 0,
        "metric_index": 0,
        "queue_id": queue,
        "user_id": user,
        "media_type": medium,
        "direction": "inbound",
        "name": name,
        "value": value,
        "emit_date": at,
    } | more


@pytest.fixture
def put(lake):
    """Puts a table where an asset's object lies."""

    def put(asset, rows, schema, day=None):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
        folder = f"genesys/{asset}/date={day}" if day else f"genesys/{asset}"
        lake.client.put_object(
            Bucket=lake.bucket, Key=f"{folder}/data.parquet", Body=sink.getvalue().to_pybytes()
        )

    return put


@pytest.fixture
def read(lake):
    """The rows of an asset's object."""

    def read(asset, day=DAY):
        body = lake.client.get_object(Bucket=lake.bucket, Key=f"genesys/{asset}/date={day}/data.parquet")[
            "Body"
        ]
        return pq.read_table(pa.BufferReader(body.read()))

    return read


@pytest.fixture
def names(put):
    """The reference data: one queue and one user have a name."""
    put("queues", QUEUES, NAMES)
    put("users", USERS, NAMES)


@pytest.fixture
def stored(environment, put, names, read):
    """Puts metrics into the lake and computes an asset from them; returns its table, and an entry of the metadata."""

    def stored(asset, rows, day=DAY, config=None, metadata=None):
        put("session_metrics", rows, SESSION_METRICS, day)
        outcome = materialized([ASSETS[asset]], day, {asset: {"config": config}} if config else {})
        assert outcome.success, outcome.failure
        table = read(asset, day)
        return (table, outcome.metadata[metadata]) if metadata else table

    return stored


def figures_of_queues(rows, queues=QUEUES, timezone="UTC", day=DAY, **config):
    """The rows that `queue_performance` makes of a day's metrics, or of those of several days, without a lake."""
    asset, *_ = PERFORMANCE if timezone == "UTC" else performance(GenesysCloud(timezone=timezone))
    inputs = {**_metrics(rows, day), "queues": _dataset(queues, NAMES)}
    with dg.build_asset_context(partition_key=str(day)) as context:
        return _rows(asset(context, config=ServiceLevelConfig(**config), **inputs))


def figures_of_agents(rows, users=USERS, day=DAY):
    """The rows that `agent_performance` makes of a day's metrics, without a lake."""
    with dg.build_asset_context(partition_key=str(day)) as context:
        return _rows(agent_performance(context, **_metrics(rows, day), users=_dataset(users, NAMES)))


def _metrics(rows, day):
    days = rows if isinstance(rows, dict) else {day: rows}
    metrics = {str(day): _dataset(rows, SESSION_METRICS) for day, rows in days.items()}
    return {"session_metrics": metrics, "late_activity": {}}


def _dataset(rows, schema):
    return ds.dataset(pa.Table.from_pylist(rows, schema=schema))


def _rows(output):
    return [row for batch in output.value.frames for row in batch.to_pylist()]


def materialized(assets, days, ops=None):
    """A run of assets for a day or a list of days; what they read besides must be in the lake."""
    days = days if isinstance(days, list) else [days]
    tags = {
        "dagster/asset_partition_range_start": str(days[0]),
        "dagster/asset_partition_range_end": str(days[-1]),
    }
    made = {asset.key for asset in assets}
    upstream = [
        dg.AssetSpec("session_metrics", partitions_def=PARTITIONS),
        dg.AssetSpec("late_activity", partitions_def=PARTITIONS),
        dg.AssetSpec("queues"),
        dg.AssetSpec("users"),
        dg.AssetSpec("queue_performance", partitions_def=PARTITIONS),
    ]
    stubs = [spec.with_io_manager_key("s3_parquet_io_manager") for spec in upstream if spec.key not in made]
    return Outcome(
        dg.materialize(
            [*stubs, *assets],
            selection=list(assets),
            partition_key=str(days[0]) if len(days) == 1 else None,
            tags=tags if len(days) > 1 else None,
            run_config={"ops": ops or {}},
            resources=resources_of(),
            raise_on_error=False,
        )
    )


@pytest.fixture
def weekly(environment, read):
    """Computes a week; returns the outcome, and its rows if there are any."""

    def weekly(monday):
        outcome = materialized([queue_performance_weekly], monday)
        return outcome, read("queue_performance_weekly", monday).to_pylist() if outcome.success else None

    return weekly
