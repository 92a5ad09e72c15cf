"""From conversations to figures: days of the sandbox, and the same figures computed again from its records."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from genesys_dagster.assets.conversation_details import conversation_details as details
from genesys_dagster.assets.late_activity import late_activity
from genesys_dagster.assets.performance import made_of, made_of_in_the_end, performance
from genesys_dagster.assets.tables import tables
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.conftest import DAY, Outcome
from genesys_dagster_tests.default_org import (
    PARTITIONS,
    TABLES,
    agent_performance,
    conversation_details,
    queue_performance,
    resources_of,
)
from genesys_dagster_tests.performance import oracle
from genesys_dagster_tests.performance.conftest import NAMES
from genesys_dagster_tests.schemas import AGENT_PERFORMANCE, QUEUE_PERFORMANCE, QUEUE_PERFORMANCE_WEEKLY

SESSION_METRICS = next(table for table in TABLES if table.key == dg.AssetKey("session_metrics"))


def back(days):
    return DAY - timedelta(days=days)


@pytest.fixture
def snapshots(put):
    """Puts the names of an org's queues and users into the lake, or empty snapshots, or none."""

    def snapshots(org, names="known"):
        entities = {"queues": org.directory.queues, "users": org.directory.users}
        for name, listed in entities.items() if names != "no snapshot" else ():
            rows = [{"id": entity["id"], "name": entity["name"]} for entity in listed]
            put(name, rows if names == "known" else [], NAMES)

    return snapshots


@pytest.fixture
def make(environment):
    """Materializes assets for some days in one run; the rest must be in the lake."""

    def make(*assets, days=(DAY,), partitions=PARTITIONS):
        specs = [
            dg.AssetSpec("queues"),
            dg.AssetSpec("users"),
            *(dg.AssetSpec(name, partitions_def=partitions) for name in ("late_activity", "session_metrics")),
            dg.AssetSpec("conversation_details", partitions_def=partitions),
        ]
        made = {asset.key for asset in assets}
        stubs = [spec.with_io_manager_key("s3_parquet_io_manager") for spec in specs if spec.key not in made]
        range_tags = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
        days = sorted(map(str, days))
        outcome = Outcome(
            dg.materialize(
                [*stubs, *assets],
                selection=list(assets),
                partition_key=days[0] if len(days) == 1 else None,
                tags=dict(zip(range_tags, (days[0], days[-1]), strict=True)) if len(days) > 1 else None,
                resources=resources_of(),
                raise_on_error=False,
            )
        )
        assert outcome.success, outcome.failure
        return outcome

    return make


@pytest.fixture
def run(make, read, snapshots):
    """Exports a day of an org and computes its figures; returns the rows of both assets."""

    def run(org, names="known"):
        snapshots(org, names)
        make(conversation_details, SESSION_METRICS, queue_performance, agent_performance)
        return read("queue_performance").to_pylist(), read("agent_performance").to_pylist()

    return run


def compared(rows, expected, *key):
    """Looks whether rows are those that are expected; returns how many values were compared."""
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    number = 0
    for where, columns in expected.items():
        for name, value in columns.items():
            assert found[where][name] == (value if value is None else pytest.approx(value, abs=6e-4)), (
                where,
                name,
            )
            number += 1
    return number


OF_QUEUES = ("interval_start", "queue_id", "media_type", "direction")
OF_AGENTS = ("day", "user_id", "media_type")


class Days:
    """Three days: of the first two late activity was swept, of the last it was not. Before them two were exported."""

    FIRST, LAST = back(2), DAY
    SWEPT = (back(2), back(1))
    EXPORTED = tuple(back(age) for age in range(5))

    def __init__(self, org, as_of, zone):
        self.zone = zone
        days = [back(age) for age in range(-1, LONGEST + 8)]
        self.by_start = {}
        for record in (record for day in days for record in org.day(day, as_of=as_of)):
            self.by_start.setdefault(self.day_of(record["conversationStart"]), []).append(record)

    def day_of(self, text):
        return datetime.fromisoformat(text).astimezone(self.zone).date()

    def emitted_on(self, day):
        """What a partition is to hold: of all older conversations where they were swept, else of those exported."""
        starts = [it for it in self.by_start if it <= day and (day in self.SWEPT or it in self.EXPORTED)]
        found = oracle.emissions(record for start in starts for record in self.by_start[start])
        return [each for each in found if each["at"].astimezone(self.zone).date() == day]


@pytest.mark.slow
def test_the_figures_of_days_are_those_of_all_records_each_emission_once(make, read, sandbox, snapshots):
    org = GenesysCloud.from_environment(timezone="America/New_York")
    snapshots(sandbox.org)
    assets = assets_of(org)
    days = Days(sandbox.org, sandbox.settings.watermark, org.days.zone)
    for names, some in (
        (("conversation_details", "session_metrics"), Days.EXPORTED),
        (("late_activity",), Days.SWEPT),
        (("queue_performance", "agent_performance"), (Days.FIRST, back(1), DAY)),
    ):
        make(*(assets[name] for name in names), days=some, partitions=org.days.partitions)
    values, older = 0, 0
    for day in (Days.FIRST, back(1), DAY):
        queues, agents = (
            read("queue_performance", day).to_pylist(),
            read("agent_performance", day).to_pylist(),
        )
        assert {row["day"] for row in (*queues, *agents)} == {day}
        found = days.emitted_on(day)
        values += compared(queues, oracle.queue_figures(found, days.zone), *OF_QUEUES)
        values += compared(agents, oracle.agent_figures(found, days.zone), *OF_AGENTS)
        older += len(found) - len(of_the_day_itself(days, day))
    assert values > 25_000
    assert older > 100


def of_the_day_itself(days, day):
    found = oracle.emissions(days.by_start[day])
    return [each for each in found if each["at"].astimezone(days.zone).date() == day]


def assets_of(org):
    """The assets of an org by their names."""
    made = [details(org), late_activity(org), *tables(org), *performance(org)]
    return {asset.key.to_user_string(): asset for asset in made}


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
    offers = sum(each["name"] == "nOffered" for each in oracle.emissions(records) if each["queue"])
    assert sum(row["offered"] for row in queue_rows) == offers > 0
    assert sum(row["handled"] for row in queue_rows) == 0
    assert {row["handle_seconds_mean"] for row in queue_rows} == {None}


SCHEMAS = {
    "queue_performance": QUEUE_PERFORMANCE,
    "agent_performance": AGENT_PERFORMANCE,
    "queue_performance_weekly": QUEUE_PERFORMANCE_WEEKLY,
}
HEADS = {"conversation_details", "late_activity", "queues", "users"}


def shown(found):
    return {f"{origin.table}: {'.'.join(origin.path)}" for origin in found}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_column_is_traced_to_the_columns_that_it_is_made_of_and_to_the_record(name):
    for traced in (made_of(name), made_of_in_the_end(name)):
        assert list(traced) == SCHEMAS[name].names
        assert all(traced.values())
    assert {origin.table for found in made_of_in_the_end(name).values() for origin in found} <= HEADS


def test_a_figure_is_traced_to_the_fields_of_the_record():
    field = "participants.sessions.metrics"
    assert shown(made_of("queue_performance")["interval_start"]) == {
        "session_metrics: emit_date",
        f"late_activity: {field}.emitDate",
    }
    assert shown(made_of("queue_performance", late=False)["interval_start"]) == {"session_metrics: emit_date"}
    for name in ("queue_performance", "queue_performance_weekly"):
        in_the_end = made_of_in_the_end(name)
        assert shown(in_the_end["queue_name"]) == {"queues: name"}
        assert shown(in_the_end["offered"]) == {
            f"{head}: {field}.{leaf}"
            for head in ("conversation_details", "late_activity")
            for leaf in ("name", "value")
        }
