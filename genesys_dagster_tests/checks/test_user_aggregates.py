"""Agents' time against Genesys Cloud's own aggregates of users: what is lost, moved or mixed up is seen, and nothing else."""

import io
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from genesys_dagster.assets.agent_status import agent_status
from genesys_dagster.assets.reference import reference
from genesys_dagster.assets.user_status import user_status
from genesys_dagster.checks.all_checks import all_checks
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.genesys.user_aggregates import PERMISSION, USER_AGGREGATES_PATH
from genesys_dagster.records.user_status import of_kind
from genesys_dagster.sandbox.api import user_aggregates
from genesys_dagster_tests.checks.conftest import Checked
from genesys_dagster_tests.checks.tables import set_column
from genesys_dagster_tests.conftest import DAY, NOW
from genesys_dagster_tests.default_org import once_for_each, resources_of

# Few days before those that are pulled: all that are there are looked for.
ORG = GenesysCloud.from_environment(start="2026-05-08")
DAYS = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
NAME = "user_aggregates"
PERIODS = ("user_presence", "user_routing_status", "late_user_status")


class AgentsTime:
    """Pulls agents' time of days, and checks it."""

    def __init__(self, lake, org=ORG):
        self.instance, self._lake, self._org = dg.DagsterInstance.ephemeral(), lake, org

    def pull(self, *days):
        assert self._run(dg.AssetSelection.assets(*PERIODS), days).success
        self.figure(*days)

    def figure(self, *days):
        assert self._run(dg.AssetSelection.assets("agent_status", "agent_status_daily"), days).success

    def names(self, *assets):
        assert self._run(dg.AssetSelection.assets(*assets), ()).success

    def check(self, *days, asset="agent_status_daily"):
        return Checked(self._run(dg.AssetSelection.checks_for_assets(self._org.key(asset)), days or (DAY,)))

    def pull_and_check(self, day):
        """One run of everything, as a user's deployment does it."""
        return self._run(dg.AssetSelection.assets(*PERIODS, "agent_status"), (day,))

    def verdict(self, *days):
        checked = self.check(*days)
        assert checked.success
        figures = checked.figures(NAME) | {"categories": checked[NAME].metadata.get("categories")}
        return checked.verdict(NAME), figures, checked[NAME].description

    def change(self, asset, change, day=None):
        path = f"{asset}/date={day}" if day else asset
        key = f"genesys/{path}/data.parquet"
        body = self._lake.client.get_object(Bucket=self._lake.bucket, Key=key)["Body"].read()
        out = io.BytesIO()
        pq.write_table(change(pq.read_table(pa.BufferReader(body))), out)
        self._lake.client.put_object(Bucket=self._lake.bucket, Key=key, Body=out.getvalue())

    def _run(self, selection, days):
        tags = {"dagster/partition": str(days[0])} if len(days) == 1 else {}
        if len(days) > 1:
            tags = {
                "dagster/asset_partition_range_start": str(days[0]),
                "dagster/asset_partition_range_end": str(days[-1]),
            }
        return dg.materialize(
            _assets(self._org),
            selection=selection,
            instance=self.instance,
            tags=tags,
            resources=resources_of(self._org),
            raise_on_error=False,
        )


@once_for_each
def _assets(org):
    return [*reference(org), user_status(org), *agent_status(org), *all_checks(org).user_status]


@pytest.fixture(scope="module")
def _kept():
    """What the first test to need it pulled; the others take it from here."""
    return {}


@pytest.fixture
def time(environment, lake, sandbox, _kept):
    """Three days of agents' time, and the names of users."""
    time = AgentsTime(lake)
    if not _kept:
        time.names("users")
        time.pull(*DAYS)
        _kept["objects"], _kept["instance"] = lake.objects(), time.instance
    time.instance = _kept["instance"]
    lake.put_all(_kept["objects"])
    return time


def test_days_as_the_org_holds_them_agree_each_for_itself(time, sandbox):
    sandbox.requests.clear()
    checked = time.check(*DAYS)
    assert checked.verdict(NAME) == "passed"
    rows = [record.data for record in checked[NAME].metadata["partitions"].records]
    assert [(row["partition"], row["passed"]) for row in rows] == [(str(day), True) for day in DAYS]
    key = dg.AssetCheckKey(ORG.key("agent_status_daily"), NAME)
    for day in DAYS:
        (info,) = time.instance.event_log_storage.get_asset_check_partition_info(
            [key], partition_keys=[str(day)]
        )
        assert info.is_current
    assert sum(request.path == USER_AGGREGATES_PATH for request in sandbox.requests) == len(DAYS)
    _, figures, _ = time.verdict()
    assert figures["values_compared"] > 300
    assert figures["users_asked"] > 26  # one more than have a status
    assert {
        figures[f"users_{which}"] for which in ("with_missing_periods", "only_in_aggregates", "only_here")
    } == {"none"}


@pytest.mark.parametrize("asset", PERIODS[:2])
def test_the_periods_of_days_as_the_org_holds_them_are_in_order(time, asset):
    checked = time.check(*DAYS, asset=asset)
    assert checked.success
    assert len(list(checked)) == (8 if asset == "user_presence" else 7)
    assert {checked.verdict(name) for name in checked} == {"passed"}


def test_checks_say_what_must_hold_and_those_that_figures_rest_on_block():
    for check in all_checks(ORG).user_status:
        for spec in check.check_specs:
            assert spec.partitions_def is ORG.days.partitions
            assert len(spec.description) > 40
            assert spec.blocking == (spec.name in {"schema", "unique_periods", "window"})
    assert all_checks(GenesysCloud(parts=["late_activity"])).user_status == []


def test_periods_that_stand_twice_keep_figures_from_being_made(environment, lake, sandbox, monkeypatch):
    def twice(rows, kind):
        rows = of_kind(rows, kind)
        return pa.concat_tables([rows, rows])

    time = AgentsTime(lake)
    monkeypatch.setattr("genesys_dagster.assets.status_of_day.of_kind", twice)
    assert not time.pull_and_check(DAY).success
    assert not any("agent_status" in key for key in list(lake.keys()))
    assert any("user_presence" in key for key in list(lake.keys()))


@pytest.mark.parametrize(
    ("asset", "column", "status"),
    [
        ("user_presence", "system_presence", "MEAL"),
        ("user_presence", "system_presence", "ON_QUEUE"),
        ("user_routing_status", "routing_status", "INTERACTING"),
        ("user_routing_status", "routing_status", "NOT_RESPONDING"),
    ],
)
def test_a_status_whose_periods_are_lost_everywhere_is_seen(time, asset, column, status):
    def lost(table):
        return table.filter(pc.fill_null(pc.not_equal(table[column], status), True))

    time.change(asset, lost, DAY)
    time.change("late_user_status", lost, DAY)
    time.change(asset, lost, DAYS[0])
    time.figure(DAY)
    said, figures, summary = time.verdict()
    # What of it is more than two minutes of one user is proven to be missing.
    assert (said, status in summary) == (
        ("ERROR", False) if figures["users_with_missing_periods"] != "none" else ("WARN", True)
    )
    (row,) = [row for row in _categories(figures) if row["category"] == status and not row["agrees"]]
    assert row["seconds_here"] == 0 < row["seconds_genesys"]


def test_a_status_that_only_we_have_is_seen(time):
    def added(table):
        seconds = [value + 200.0 for value in table["training_seconds"].to_pylist()]
        return set_column(table, "training_seconds", seconds)

    time.change("agent_status_daily", added, DAY)
    said, figures, _ = time.verdict()
    assert (said, figures["values_that_differ"]) == ("WARN", 25)  # of one user it is within 2 %


def test_user_ids_that_are_mixed_up_are_seen(time):
    def rotated(table):
        users = table["user_id"].to_pylist()
        return set_column(table, "user_id", [*users[1:], users[0]])

    time.change("agent_status_daily", rotated, DAY)
    said, figures, _ = time.verdict()
    assert said in {"WARN", "ERROR"}
    assert figures["values_that_differ"] > 100


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_day_that_is_off_by_an_hour_is_seen(time, hours):
    def moved(table):
        for name in ("start_time", "end_time"):
            moments = [moment and moment + timedelta(hours=hours) for moment in table[name].to_pylist()]
            table = set_column(table, name, moments)
        return table

    for asset in PERIODS:
        for day in DAYS[:2]:
            time.change(asset, moved, day)
    time.figure(DAY)
    said, figures, _ = time.verdict()
    assert said in {"WARN", "ERROR"}
    assert figures["values_that_differ"] > 10


def test_a_user_of_whom_nothing_came_is_an_error_and_named(time, lake):
    daily = lake.table_of("agent_status_daily", DAY)
    user = daily.sort_by([("on_queue_seconds", "descending")])["user_id"][3].as_py()

    def without(table):
        return table.filter(pc.not_equal(table["user_id"], user))

    time.change("agent_status_daily", without, DAY)
    said, figures, _ = time.verdict()
    assert (said, figures["users_only_in_aggregates"], figures["users_with_missing_periods"]) == (
        "ERROR",
        user,
        user,
    )

    def deleted(table):
        states = ["deleted" if each == user else "active" for each in table["id"].to_pylist()]
        return set_column(table, "state", states)

    time.change("users", deleted)
    said, deleted_figures, _ = time.verdict()
    assert (said, deleted_figures["users_asked"]) == ("passed", figures["users_asked"] - 1)


def test_a_user_deleted_since_is_compared_as_long_as_the_day_has_their_time(time):
    time.change("users", lambda table: set_column(table, "state", ["deleted"] * len(table)))
    said, figures, _ = time.verdict()
    assert (said, figures["users_asked"]) == ("passed", 26)
    assert figures["values_compared"] > 300


def test_without_a_snapshot_of_users_those_of_the_day_are_compared_and_that_is_said(time):
    time.instance = dg.DagsterInstance.ephemeral()
    said, figures, summary = time.verdict()
    assert (said, figures["users_asked"]) == ("passed", 26)
    assert "no snapshot of users" in summary


def test_without_the_permission_nothing_is_compared_and_nothing_else_held_up(time, sandbox):
    sandbox.settings.permissions = sandbox.settings.permissions - {PERMISSION}
    said, _, summary = time.verdict()
    assert (said, PERMISSION in summary) == ("WARN", True)


def test_a_gateway_that_does_not_pass_it_on_is_named(time, sandbox):
    sandbox.faults.fail_next(1_000, "404", path=USER_AGGREGATES_PATH)
    said, _, summary = time.verdict()
    assert (said, USER_AGGREGATES_PATH in summary, "404" in summary) == ("WARN", True, True)


def test_a_metric_that_this_org_refuses_is_left_out_and_named(time, monkeypatch):
    monkeypatch.delitem(user_aggregates._CLOCKS, "tOrganizationPresence")
    said, figures, summary = time.verdict()
    assert (said, figures["metrics_refused"]) == ("passed", "tOrganizationPresence")
    assert "tOrganizationPresence" in summary
    for metric in list(user_aggregates._CLOCKS):
        monkeypatch.delitem(user_aggregates._CLOCKS, metric)
    assert time.verdict()[0] == "WARN"


def test_what_is_still_open_may_be_missing_there_until_it_has_ended(environment, lake, sandbox):
    two = datetime(2026, 5, 13, 2, tzinfo=UTC)
    sandbox.settings.now = lambda: two
    time = AgentsTime(lake)
    time.pull(DAY)
    said, figures, _ = time.verdict()
    assert said == "passed"
    sums = {row["category"]: row for row in _categories(figures) if row["metric"] == "tAgentRoutingStatus"}
    off_queue = sums["OFF_QUEUE"]
    assert off_queue["seconds_here_ended"] == pytest.approx(off_queue["seconds_genesys"])
    assert off_queue["seconds_here"] > off_queue["seconds_genesys"] + 36_000
    sandbox.settings.now = lambda: NOW
    said, figures, _ = time.verdict()
    assert said == "passed"
    (off_queue,) = [row for row in _categories(figures) if row["category"] == "OFF_QUEUE"]
    assert off_queue["seconds_here"] == pytest.approx(off_queue["seconds_genesys"])


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 10, 26), 25), (date(2026, 3, 29), 23)])
def test_a_day_of_23_or_25_hours_agrees(environment, lake, sandbox, day, hours):
    org = GenesysCloud.from_environment(timezone="Europe/Berlin", start=str(day - timedelta(days=1)))
    time = AgentsTime(lake, org)
    time.pull(day)
    said, figures, summary = time.verdict(day)
    assert said == "passed", summary
    assert figures["values_compared"] > 40
    daily = lake.table_of("agent_status_daily", day)
    known = [
        row["logged_in_seconds"] + row["offline_seconds"] + row["unknown_presence_seconds"]
        for row in daily.to_pylist()
    ]
    assert known == pytest.approx([hours * 3_600.0] * len(known))


def _categories(figures):
    return [record.data for record in figures["categories"].records]
