"""Each private API of Dagster that is used does what is needed of it, on the Dagster that is installed."""

import inspect

import dagster as dg
import pytest

from genesys_dagster import dagster_private as private

DAYS = dg.DailyPartitionsDefinition("2026-05-01", end_date="2026-05-04")
KEYS = ["2026-05-01", "2026-05-02"]
RANGE = {
    "dagster/asset_partition_range_start": KEYS[0],
    "dagster/asset_partition_range_end": KEYS[1],
}


class Keeper(dg.IOManager):
    """Says of each partition which it is, and of all of them one version."""

    def handle_output(self, context, obj):
        for key in context.asset_partition_keys:
            private.add_partition_metadata(context, {"which": key}, key)
        private.set_data_version(context, "v1")
        self.instance = private.instance_of(context)

    def load_input(self, context):
        raise NotImplementedError


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def days():
    return 1


@dg.asset_check(asset=days, partitions_def=DAYS)
def look(context):
    (record,) = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(days.key, asset_partitions=[KEYS[0]]), limit=1
    ).records
    evaluation = {"asset_key": days.key, "check_name": "look", "passed": False, "partition": KEYS[0]}
    private.report_evaluation(context, evaluation, record)
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def ran(instance):
    """A run over two days, with a check that reports one of them."""
    keeper = Keeper()
    result = dg.materialize([days, look], instance=instance, tags=RANGE, resources={"io_manager": keeper})
    assert result.success
    return result, keeper


def test_values_are_kept_in_the_instance_and_empty_keys_are_left_out(instance):
    private.note_values(instance, {"genesys_dagster/x": "1"})
    assert private.recall_values(instance, ["genesys_dagster/x", "genesys_dagster/y"]) == {
        "genesys_dagster/x": "1"
    }


def test_each_partition_of_a_run_has_its_metadata_and_all_have_the_data_version(ran, instance):
    result, keeper = ran
    made = [event.materialization for event in result.get_asset_materialization_events()]
    assert {each.partition: each.metadata["which"].value for each in made} == dict(
        zip(KEYS, KEYS, strict=True)
    )
    assert {each.tags["dagster/data_version"] for each in made} == {"v1"}
    assert keeper.instance is instance


def test_a_context_built_by_hand_has_no_step_to_version():
    private.set_data_version(dg.build_output_context(asset_key=days.key), "v1")


def test_an_evaluation_of_one_partition_is_known_with_what_it_looked_at(ran, instance):
    (check,) = look.check_keys
    (failed,) = private.failed_evaluations(instance, check, limit=10)
    assert (failed.evaluation.partition, failed.evaluation.passed) == (KEYS[0], False)
    assert private.failed_evaluations(instance, check, limit=10, before=failed.id) == []
    (record,) = instance.fetch_materializations(
        dg.AssetRecordsFilter(days.key, asset_partitions=[KEYS[0]]), limit=1
    ).records
    assert private.checked_places(instance, [check], KEYS)[KEYS[0]] == [record.storage_id]


def test_a_selection_sees_all_assets_when_the_code_location_loads_and_selects_what_it_is_told():
    @dg.asset(metadata={"mine": "yes"})
    def other(): ...

    seen = []
    selection = private.LookingSelection(
        dg.AssetSelection.assets(days), lambda metadata: seen.extend(sorted(said) for said in metadata)
    )
    defs = dg.Definitions(
        [days, other], sensors=[dg.AutomationConditionSensorDefinition("s", target=selection)]
    )
    dg.Definitions.validate_loadable(defs)
    assert ["mine"] in seen
    assert selection.resolve([days, other]) == {days.key}


def test_every_private_api_is_tried_here():
    names = [
        name for name, value in vars(private).items() if getattr(value, "__module__", "") == private.__name__
    ]
    source = inspect.getsource(inspect.getmodule(test_every_private_api_is_tried_here))
    assert [name for name in names if f"private.{name}" not in source] == []


def test_a_day_maps_to_itself_and_the_days_before_it_also_where_those_are_no_partitions():
    def upstream_of(key):
        found = private.looking_back(2).get_upstream_mapped_partitions_result_for_partitions(
            dg.PartitionsDefinition.subset_with_partition_keys(DAYS, [key]), DAYS, DAYS
        )
        return sorted(found.partitions_subset.get_partition_keys())

    assert upstream_of("2026-05-03") == ["2026-05-01", "2026-05-02", "2026-05-03"]
    assert upstream_of("2026-05-01") == ["2026-05-01"]


def test_the_settings_of_an_instance_are_read_without_making_one(tmp_path):
    assert private.instance_settings(tmp_path) == {}
    (tmp_path / "dagster.yaml").write_text("run_retries: {enabled: true, max_retries: 2}")
    assert private.instance_settings(tmp_path)["run_retries"]["max_retries"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]
    (tmp_path / "dagster.yaml").write_text("run_retires: {enabled: true}")
    with pytest.raises(dg.DagsterInvalidConfigError, match="run_retires"):
        private.instance_settings(tmp_path)
