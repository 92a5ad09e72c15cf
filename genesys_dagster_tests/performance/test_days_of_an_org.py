"""From conversations to figures: whole days of the sandbox, counted again record by record."""

from collections import Counter
from datetime import UTC, datetime

import dagster as dg
import pytest

from genesys_dagster.assets.performance import made_of, made_of_in_the_end
from genesys_dagster.definitions import build_definitions
from genesys_dagster.sandbox.emissions import emissions
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.times import to_datetime
from genesys_dagster.sql.figures import AGENT_PERFORMANCE, QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY
from genesys_dagster_tests.conftest import DAY, Outcome
from genesys_dagster_tests.default_org import (
    TABLES,
    agent_performance,
    conversation_details,
    queue_performance,
)
from genesys_dagster_tests.performance.conftest import NAMES

SESSION_METRICS = next(table for table in TABLES if table.key == dg.AssetKey("session_metrics"))


@pytest.fixture
def run(environment, put, read, sandbox):
    """Exports a day of an org and computes its figures; returns the rows of both assets."""

    def run(org, names="known"):
        entities = {"queues": org.directory.queues, "users": org.directory.users}
        for name, listed in entities.items() if names != "no snapshot" else ():
            rows = [{"id": entity["id"], "name": entity["name"]} for entity in listed]
            put(name, rows if names == "known" else [], NAMES)
        assets = [conversation_details, SESSION_METRICS, queue_performance, agent_performance]
        stubs = [dg.AssetSpec(name).with_io_manager_key("s3_parquet_io_manager") for name in entities]
        outcome = Outcome(
            dg.materialize(
                [*stubs, *assets],
                selection=assets,
                partition_key=str(DAY),
                resources=build_definitions().resources,
                raise_on_error=False,
            )
        )
        assert outcome.success
        return read("queue_performance").to_pylist(), read("agent_performance").to_pylist()

    return run


def emitted(org, records):
    """Every metric with its half hour, queue, user and medium, as the org itself counts them."""
    for record in records:
        for each in emissions(org, record):
            at, of = to_datetime(each.at), each.dimensions
            slot = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
            yield each.name, slot, of.get("queueId"), of.get("userId"), of["mediaType"]


def test_the_figures_of_a_day_are_those_of_its_records(run, sandbox):
    queue_rows, agent_rows = run(sandbox.org)
    found = list(emitted(sandbox.org, sandbox.org.day(DAY, as_of=sandbox.settings.watermark)))
    for name, column in (
        ("nOffered", "offered"),
        ("tAnswered", "answered"),
        ("tAbandon", "abandoned"),
        ("tShortAbandon", "short_abandoned"),
        ("nOverSla", "over_sla"),
        ("tHandle", "handled"),
        ("nTransferred", "transferred"),
    ):
        expected = Counter(
            (slot, queue, medium) for n, slot, queue, _, medium in found if n == name and queue
        )
        counted = Counter()
        for row in queue_rows:
            counted[row["interval_start"], row["queue_id"], row["media_type"]] += row[column]
        assert +counted == expected, name
        assert expected
    for name, column in (
        ("tHandle", "handled"),
        ("tNotResponding", "not_responding"),
        ("nOutbound", "outbound"),
    ):
        expected = Counter(
            (slot.date(), user, medium) for n, slot, _, user, medium in found if n == name and user
        )
        counted = Counter()
        for row in agent_rows:
            counted[row["day"], row["user_id"], row["media_type"]] += row[column]
        assert +counted == expected, name
        assert expected
    assert all(row["queue_name"] for row in queue_rows)
    assert all(row["user_name"] for row in agent_rows)


@pytest.mark.parametrize("names", ["unknown", "no snapshot"])
def test_ids_without_reference_data_have_figures_and_no_names(run, sandbox, names):
    queue_rows, agent_rows = run(sandbox.org, names)
    assert len(queue_rows) > 50
    assert {row["queue_name"] for row in queue_rows} == {row["user_name"] for row in agent_rows} == {None}


def test_a_day_without_conversations_has_no_figures(run, environment):
    with SandboxServer(Org(conversations_per_day=0)) as quiet:
        environment.setenv("GENESYSCLOUD_API_URL", quiet.url)
        environment.setenv("GENESYSCLOUD_LOGIN_URL", quiet.url)
        assert run(quiet.org) == ([], [])


def test_a_day_of_open_conversations_only_has_what_was_emitted_so_far(run, environment):
    org = Org(conversations_per_day=1_000, now=lambda: datetime(2026, 5, 12, 0, 27, tzinfo=UTC))
    records = org.day(DAY)
    assert records
    assert not any("conversationEnd" in record for record in records)
    with SandboxServer(org) as early:
        environment.setenv("GENESYSCLOUD_API_URL", early.url)
        environment.setenv("GENESYSCLOUD_LOGIN_URL", early.url)
        queue_rows, _ = run(org)
    offers = sum(name == "nOffered" and queue is not None for name, _, queue, *_ in emitted(org, records))
    assert sum(row["offered"] for row in queue_rows) == offers > 0
    assert sum(row["handled"] for row in queue_rows) == 0
    assert {row["handle_seconds_mean"] for row in queue_rows} == {None}


SCHEMAS = {
    "queue_performance": QUEUE_PERFORMANCE,
    "agent_performance": AGENT_PERFORMANCE,
    "queue_performance_weekly": QUEUE_PERFORMANCE_WEEKLY,
}
HEADS = {"conversation_details", "queues", "users"}


def shown(found):
    return {f"{origin.table}: {'.'.join(origin.path)}" for origin in found}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_is_traced_to_the_columns_that_it_is_made_of_and_to_the_record(name):
    for traced in (made_of(name), made_of_in_the_end(name)):
        assert list(traced) == SCHEMAS[name].names
        assert all(traced.values())
    assert {origin.table for found in made_of_in_the_end(name).values() for origin in found} <= HEADS


def test_a_figure_is_traced_to_the_fields_of_the_record():
    assert shown(made_of("queue_performance")["interval_start"]) == {"session_metrics: emit_date"}
    metrics = "conversation_details: participants.sessions.metrics"
    for name in ("queue_performance", "queue_performance_weekly"):
        in_the_end = made_of_in_the_end(name)
        assert shown(in_the_end["queue_name"]) == {"queues: name"}
        assert shown(in_the_end["offered"]) == {f"{metrics}.name", f"{metrics}.value"}
