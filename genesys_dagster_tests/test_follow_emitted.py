"""Figures follow the metrics of their day, the late activity of it, and without that the metrics of the days before."""

import warnings
from datetime import UTC, datetime

import dagster as dg
import pytest

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM, follow_emitted
from genesys_dagster.assets.performance import performance
from genesys_dagster.cloud import GenesysCloud

DAYS = dg.DailyPartitionsDefinition("2026-05-01")
NOW = datetime(2026, 5, 9, 3, tzinfo=UTC)
CHAIN = ("details", "metrics", "figures")


class World:
    """`details` make `metrics`; these of three days, `late` and `names` make `figures`."""

    def __init__(self, *, swept=True):
        self.instance, self.cursor, self.now = dg.DagsterInstance.ephemeral(), None, NOW
        self.version = {}

        def asset(name, *deps, **settings):
            @dg.asset(name=name, deps=deps, **settings)
            def computed(context):
                key = context.partition_key if context.has_partition_key else ""
                return dg.MaterializeResult(data_version=dg.DataVersion(self.version.get((name, key), "v1")))

            return computed

        with warnings.catch_warnings(action="ignore"):
            days = dg.TimeWindowPartitionMapping(-2, 0, allow_nonexistent_upstream_partitions=True)
        names = asset("names")
        details = asset("details", partitions_def=DAYS)
        metrics = asset("metrics", details, partitions_def=DAYS, automation_condition=FOLLOW_UPSTREAM)
        late = [asset("late", partitions_def=DAYS)] if swept else []
        condition = follow_emitted(metrics.key, details.key, late[0].key if late else None)
        deps = [dg.AssetDep(metrics.key, partition_mapping=days), *(each.key for each in late), names.key]
        figures = asset("figures", *deps, partitions_def=DAYS, automation_condition=condition)
        self.defs = dg.Definitions([names, details, metrics, *late, figures])
        self.change("names")
        self.tick()

    def change(self, name, day=None, *also):
        """A run brings new content of an asset, and of others of the same day."""
        for each in (name, *also):
            key = each, f"2026-05-{day:02}" if day else ""
            self.version[key] = f"v{len(self.version)} {self.version.get(key)}"
        self.run(name, *also, day=day)

    def run(self, *names, day):
        self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=f"2026-05-{day:02}" if day else None,
            instance=self.instance,
        )

    def tick(self):
        """What one tick requests, which is then carried out; metrics change whenever they are computed."""
        result = dg.evaluate_automation_conditions(
            self.defs, self.instance, cursor=self.cursor, evaluation_time=self.now
        )
        self.cursor = result.cursor
        wanted = [
            (name, int(day[-2:]))
            for name in ("metrics", "figures")
            for day in sorted(result.get_requested_partitions(dg.AssetKey(name)))
        ]
        for name, day in wanted:
            self.change(name, day)
        return [f"{name} {day}" for name, day in wanted]

    def settled(self):
        """What the next ticks request, until there is nothing more."""
        asked = []
        while found := self.tick():
            asked += found
        return asked


@pytest.fixture
def world():
    return World()


def test_a_day_is_computed_once_its_own_metrics_are_there_and_again_once_it_is_swept(world):
    world.change("details", 5)
    assert [world.tick() for _ in range(3)] == [["metrics 5"], ["figures 5"], []]
    world.change("late", 5)
    assert [world.tick(), world.tick()] == [["figures 5"], []]


def test_a_new_day_waits_for_its_export_whatever_comes_of_the_days_before(world):
    world.now = datetime(2026, 5, 10, 0, 5, tzinfo=UTC)
    assert world.tick() == []
    world.change("details", 8)
    assert world.settled() == ["metrics 8", "figures 8"]
    world.change("details", 9)
    assert world.settled() == ["metrics 9", "figures 9"]


def test_the_first_day_of_all_is_computed(world):
    world.change("details", 1)
    assert world.settled() == ["metrics 1", "figures 1"]


@pytest.mark.parametrize("swept", [True, False])
def test_a_day_before_counts_where_the_day_itself_was_not_swept(swept):
    world = World(swept=swept)
    for day in (3, 5, 4, 6):  # 2 is missing all the time
        world.change("details", day)
    assert world.settled() == [
        *(f"metrics {day}" for day in (3, 4, 5, 6)),
        *(f"figures {day}" for day in (3, 4, 5, 6)),
    ]
    world.change("details", 3)
    assert world.settled() == ["metrics 3", "figures 3", "figures 4", "figures 5"]


def test_a_day_before_counts_no_more_where_the_day_itself_was_swept(world):
    for day in (3, 4, 5):
        world.change("details", day)
        world.change("late", day)
    world.settled()
    world.change("details", 3)
    assert world.settled() == ["metrics 3", "figures 3"]


def test_a_run_of_metrics_and_figures_of_a_day_is_followed_on_the_days_after(world):
    for day in (3, 4):
        world.change("details", day)
    world.settled()
    world.change("details", 3, "metrics", "figures")
    assert world.settled() == ["figures 3", "figures 4"]


def test_the_same_content_and_new_names_recompute_nothing(world):
    world.change("details", 3)
    world.settled()
    world.run("details", "metrics", day=3)
    world.change("names")
    assert world.settled() == []


def test_names_that_are_missing_are_waited_for(world):
    world.instance.wipe_assets([dg.AssetKey("names")])
    world.change("details", 3)
    assert world.settled() == ["metrics 3"]
    world.change("names")
    assert world.settled() == ["figures 3"]


def test_what_is_there_when_the_condition_is_deployed_is_left_alone(world):
    world.change("details", 3, "metrics")
    world.cursor = None
    assert [world.tick() for _ in range(3)] == [[]] * 3


@pytest.mark.parametrize(
    "parts", [("tables", "reference", "performance"), ("late_activity", "tables", "reference", "performance")]
)
def test_the_figures_of_an_org_have_this_condition(parts):
    org = GenesysCloud(name="emea", start="2026-05-01", timezone="Europe/Berlin", parts=parts)
    queues, agents, weekly = performance(org)
    days = [name for name in ("late_activity", "conversation_details") if org.has(name)]
    specs = [dg.AssetSpec(org.key(name), partitions_def=org.days.partitions) for name in days]
    metrics = dg.AssetSpec(
        org.key("session_metrics"), deps=[org.key("conversation_details")], partitions_def=org.days.partitions
    )
    names = [dg.AssetSpec(org.key(name)) for name in ("queues", "users")]
    stores = {org.lake: dg.mem_io_manager}
    defs = dg.Definitions([*specs, metrics, *names, queues, agents, weekly], resources=stores)
    instance, cursor, asked = dg.DagsterInstance.ephemeral(), None, []

    def tick(*materialized):
        nonlocal cursor
        for name, day in materialized:
            tags = {"dagster/data_version": f"{name} {day} {len(asked)}"}
            instance.report_runless_asset_event(
                dg.AssetMaterialization(org.key(name), partition=day, tags=tags)
            )
        result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor, evaluation_time=NOW)
        cursor = result.cursor
        asked.append(result.get_requested_partitions(queues.key))
        assert asked[-1] == result.get_requested_partitions(agents.key)
        return sorted(asked[-1])

    def asked_by(name, day):
        """What a change asks for, in its tick and the one after: what was asked for in the tick before waits for that."""
        return sorted({*tick((name, day)), *tick()})

    tick(("queues", None), ("users", None))
    assert asked_by("session_metrics", "2026-05-04") == ["2026-05-04"]
    assert asked_by("session_metrics", "2026-05-02") == ["2026-05-02", "2026-05-04"]
    if "late_activity" in parts:
        assert asked_by("late_activity", "2026-05-04") == ["2026-05-04"]
        assert asked_by("session_metrics", "2026-05-02") == ["2026-05-02"]
