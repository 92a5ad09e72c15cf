import dagster as dg
import pandas as pd

from beside_yours.definitions import EMEA, defs
from beside_yours.yours import CsvIOManager


def test_customers_and_agents_are_one_table_which_the_own_io_manager_stores(
    genesys_run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    genesys_run(defs, 'key:"users" or key:"raw/genesys/users" or key:"people"')
    names = pd.read_csv("data/people.csv")["name"]
    assert {"ada", "grace"} < set(names)
    assert len(names) > 10


def test_our_assets_are_called_as_assets_of_others_are_here():
    ours = {spec.key: spec for spec in defs.resolve_all_asset_specs() if spec.key.path[0] == "raw"}
    assert ours.keys() == set(EMEA.keys.values())
    assert {spec.group_name for spec in ours.values()} == {"raw_genesys"}
    assert {spec.tags["source"] for spec in ours.values()} == {"genesys"}


def test_what_was_there_before_is_as_it_was():
    assert defs.executor is dg.in_process_executor
    assert defs.resolve_job_def("export_conversation_details").description.startswith("A job that has")
    assert defs.resolve_job_def("emea_export_conversation_details")
    repository = defs.get_repository_def()
    assert repository.get_sensor_def("automation").asset_selection == dg.AssetSelection.groups("crm")
    assert isinstance(defs.resources["io_manager"], CsvIOManager)
