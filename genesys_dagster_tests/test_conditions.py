"""Downstream assets follow the content of upstream partitions, no more and no less."""

from datetime import datetime

import dagster as dg
import pytest

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM, every_morning

DAYS = dg.DailyPartitionsDefinition("2026-05-01", end_date="2026-05-06")

pytestmark = pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")  # checks of partitions


class World:
    """A small graph: `source` and `more` feed `table`, which feeds `figures`."""

    def __init__(self):
        self.instance = dg.DagsterInstance.ephemeral()
        self.version = {}
        self.wrong = set()
        self.cursor = None

        @dg.asset(partitions_def=DAYS)
        def source(context):
            return dg.MaterializeResult(data_version=dg.DataVersion(self.version[context.partition_key]))

        @dg.asset_check(asset=source, partitions_def=DAYS, blocking=True)
        def sound(context):
            return dg.AssetCheckResult(passed=context.partition_key not in self.wrong)

        @dg.asset_check(asset=source, partitions_def=DAYS)
        def plausible(context):
            return dg.AssetCheckResult(passed=False)

        @dg.asset
        def more(): ...

        @dg.asset(partitions_def=DAYS, deps=[source, more], automation_condition=FOLLOW_UPSTREAM)
        def table(context):
            return dg.MaterializeResult(
                data_version=dg.DataVersion(self.version[context.partition_key] + "t")
            )

        @dg.asset(partitions_def=DAYS, deps=[table], automation_condition=FOLLOW_UPSTREAM)
        def figures(): ...

        self.source = source
        self.defs = dg.Definitions([source, more, table, figures], asset_checks=[sound, plausible])
        self.run("more")
        self.tick()

    def pull(self, key, version):
        self.version[key] = version
        self.run("source", day=key)

    def run(self, *assets, day=None):
        self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            partition_key=day, instance=self.instance, raise_on_error=not self.wrong,
        )  # fmt: skip

    def tick(self, *, carry_out=True):
        result = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        wanted = {
            (asset, day)
            for asset in ("table", "figures")
            for day in result.get_requested_partitions(dg.AssetKey(asset))
        }
        if carry_out:
            for asset, day in sorted(wanted):
                self.run(asset, day=day)
        return {f"{asset} {day}" for asset, day in wanted}

    def settle(self):
        while self.tick():
            pass


@pytest.fixture
def world():
    return World()


def test_a_new_day_is_followed_down_the_graph_once(world):
    world.pull("2026-05-02", "v1")
    assert world.tick() == {"table 2026-05-02"}
    assert world.tick() == {"figures 2026-05-02"}
    assert [world.tick() for _ in range(3)] == [set()] * 3


def test_new_content_of_an_old_day_is_followed(world):
    for day in ("2026-05-01", "2026-05-05"):
        world.pull(day, "v1")
    world.settle()
    world.pull("2026-05-01", "v2")
    assert world.tick() == {"table 2026-05-01"}
    assert world.tick() == {"figures 2026-05-01"}
    assert world.tick() == set()


def test_the_same_content_again_causes_nothing(world):
    world.pull("2026-05-02", "v1")
    world.settle()
    for _ in range(3):
        world.pull("2026-05-02", "v1")
        assert world.tick() == set()


def test_downstream_stops_where_the_content_stays(world):
    world.pull("2026-05-02", "v1")
    world.settle()
    world.run("table", day="2026-05-02")
    assert world.tick() == set()


def test_all_changed_days_of_a_backfill_are_followed_at_once(world):
    days = DAYS.get_partition_keys()
    for day in days:
        world.pull(day, "v1")
    assert world.tick() == {f"table {day}" for day in days}


def test_history_that_exists_already_is_not_recomputed_when_the_condition_is_deployed(world):
    world.pull("2026-05-02", "v1")
    world.cursor = None
    assert [world.tick() for _ in range(3)] == [set()] * 3


def test_upstream_and_downstream_in_one_run_cause_nothing_more(world):
    world.version["2026-05-02"] = "v1"
    world.run("source", "table", "figures", day="2026-05-02")
    assert [world.tick() for _ in range(3)] == [set()] * 3
    world.version["2026-05-02"] = "v2"
    world.run("source", "table", "figures", day="2026-05-02")
    assert [world.tick() for _ in range(3)] == [set()] * 3


def test_a_change_between_request_and_computation_is_not_lost(world):
    world.pull("2026-05-02", "v1")
    assert world.tick(carry_out=False) == {"table 2026-05-02"}
    world.pull("2026-05-02", "v2")  # just before the requested run ends, having read v1
    world.run("table", day="2026-05-02")
    assert world.tick() | world.tick() == {"table 2026-05-02", "figures 2026-05-02"}


def test_what_cannot_be_computed_waits_for_its_missing_inputs():
    world = World()
    world.instance.wipe_assets([dg.AssetKey("more")])
    world.pull("2026-05-02", "v1")
    assert world.tick() == set()
    world.run("more")
    assert world.tick() == {"table 2026-05-02"}


def test_a_day_whose_blocking_check_failed_is_not_followed_until_it_is_repaired(world):
    world.wrong.add("2026-05-02")
    world.pull("2026-05-02", "v1")
    world.pull("2026-05-03", "v1")
    assert [world.tick(), world.tick()] == [{"table 2026-05-03"}, {"figures 2026-05-03"}]
    world.wrong.clear()
    world.pull("2026-05-02", "v2")
    assert [world.tick(), world.tick()] == [{"table 2026-05-02"}, {"figures 2026-05-02"}]
    assert world.tick() == set()


def test_a_day_that_turns_wrong_leaves_downstream_as_it_was(world):
    world.pull("2026-05-02", "v1")
    world.settle()
    world.wrong.add("2026-05-02")
    world.pull("2026-05-02", "v2")
    assert [world.tick() for _ in range(2)] == [set()] * 2


def test_a_day_whose_checks_were_never_run_is_followed(world):
    world.version["2026-05-02"] = "v1"
    dg.materialize([world.source], partition_key="2026-05-02", instance=world.instance)
    assert world.tick() == {"table 2026-05-02"}


class Mornings:
    """An asset that is taken every morning, ticked at any moment."""

    def __init__(self):
        self.instance, self.cursor, self.version = dg.DagsterInstance.ephemeral(), None, 0

        @dg.asset(automation_condition=every_morning("Europe/Berlin"))
        def names(): ...

        self.defs = dg.Definitions([names])

    def at(self, moment, *, succeeds=True):
        """One tick; returns whether the asset was requested, and carries the request out."""
        result = dg.evaluate_automation_conditions(
            self.defs, self.instance, cursor=self.cursor, evaluation_time=datetime.fromisoformat(moment)
        )
        self.cursor = result.cursor
        if result.total_requested and succeeds:
            self.defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=self.instance)
        return bool(result.total_requested)


def test_a_missing_snapshot_is_taken_at_once_and_then_every_morning_at_four():
    names = Mornings()
    moments = ["01T14:00", "01T14:01", "02T01:59", "02T02:01", "02T02:02", "02T23:00", "03T02:00", "03T02:01"]
    taken = [moment for moment in moments if names.at(f"2026-07-{moment}:30+00:00")]
    assert taken == ["01T14:00", "02T02:01", "03T02:00"]


def test_a_snapshot_that_fails_is_taken_the_next_morning_not_at_every_tick():
    names = Mornings()
    moments = ["01T14:00", "01T14:01", "01T15:00", "02T02:01", "02T02:02"]
    taken = [moment for moment in moments if names.at(f"2026-07-{moment}:30+00:00", succeeds=False)]
    assert taken == ["01T14:00", "02T02:01"]
