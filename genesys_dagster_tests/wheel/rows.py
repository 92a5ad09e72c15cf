"""What other people's projects have, beside the export of an org: each test is a row of the matrix.

Most are tried twice: beside an org with a name, and beside the one that the environment describes.
"""

import json
import os
import sys
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster_aws.s3 import S3Resource
from dagster_dg_cli.cli import cli

import genesys_dagster
from genesys_dagster import GenesysCloud, GenesysResource
from genesys_dagster.definitions import build_definitions
from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.memory.pulls import latest_pulls

pytest_plugins = ["genesys_dagster.testing"]

PROJECT = Path(__file__).parent / "examples" / "project"


def emea(**fields):
    ours = {"client_id": dg.EnvVar("EMEA_ID"), "client_secret": dg.EnvVar("EMEA_SECRET"), "bucket": "lake"}
    return GenesysCloud(**{"name": "emea", **ours, **fields})


@pytest.fixture(autouse=True)
def _variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("GENESYS", "AWS_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(params=["named", "default"])
def ours(request):
    """What makes definitions; where names of the default org would collide, of it with these fields."""

    def make(**where_names_collide):
        if request.param == "named":
            return emea().definitions()
        if where_names_collide:
            return GenesysCloud.from_environment(**where_names_collide).definitions()
        return build_definitions()

    return make


def merged(ours, **theirs):
    defs = dg.Definitions.merge(ours, dg.Definitions(**theirs))
    dg.Definitions.validate_loadable(defs)
    return defs


@dg.asset(automation_condition=dg.AutomationCondition.eager())
def theirs():
    """An asset that the host's automation drives."""


def sensors(defs):
    return {sensor.name: sensor for sensor in defs.get_repository_def().sensor_defs}


def targets(defs, sensor):
    return sensors(defs)[sensor].asset_selection.resolve(defs.resolve_asset_graph())


def test_the_wheel_is_what_is_tested():
    assert Path(genesys_dagster.__file__).is_relative_to(sys.prefix)


def test_an_asset_with_an_automation_condition(ours):
    defs = merged(ours(), assets=[theirs])
    assert targets(defs, "default_automation_condition_sensor") == {theirs.key}
    (follow,) = (name for name in sensors(defs) if name.endswith("follow_upstream"))
    assert theirs.key not in targets(defs, follow)


def test_an_automation_condition_sensor(ours):
    sensor = dg.AutomationConditionSensorDefinition("automation", target=[theirs])
    defs = merged(ours(), assets=[theirs], sensors=[sensor])
    assert targets(defs, "automation") == {theirs.key}


@pytest.mark.parametrize("name", ["", "emea"])
def test_an_automation_condition_sensor_of_everything_else(name):
    org = emea(name=name)
    rest = dg.AssetSelection.all() - dg.AssetSelection.assets(*org.keys.values())
    sensor = dg.AutomationConditionSensorDefinition("automation", target=rest)
    defs = merged(org.definitions(), assets=[theirs], sensors=[sensor])
    assert targets(defs, "automation") == {theirs.key}


def test_an_executor(ours):
    assert merged(ours(), executor=dg.multiprocess_executor).executor is dg.multiprocess_executor


def test_a_resource_s3(ours):
    s3 = S3Resource(region_name="eu-west-1")
    assert merged(ours(), resources={"s3": s3}).resources["s3"] is s3


def test_an_asset_users(ours):
    @dg.asset
    def users(): ...

    keys = set(merged(ours(key_prefix=["genesys"]), assets=[users]).resolve_all_asset_keys())
    assert users.key in keys
    assert {key.path[0] for key in keys - {users.key}} <= {"emea", "genesys"}


def test_a_job_export_conversation_details(ours):
    @dg.job
    def export_conversation_details(): ...

    defs = merged(ours(name="genesys"), jobs=[export_conversation_details])
    assert len(defs.resolve_job_def("export_conversation_details").nodes) == 0


@pytest.mark.parametrize("name", ["", "emea"])
def test_a_key_prefix(name):
    org = emea(name=name, key_prefix=["raw", "genesys"])
    defs = merged(org.definitions(), assets=[theirs])
    keys = set(defs.resolve_all_asset_keys()) - {theirs.key}
    assert {tuple(key.path[:-1]) for key in keys} == {("raw", "genesys")}
    assert keys == set(org.keys.values())


def test_two_orgs_in_one_location():
    apac = emea(name="apac", client_id=dg.EnvVar("APAC_ID"), timezone="Asia/Tokyo")
    defs = merged(dg.Definitions.merge(emea(timezone="Europe/Berlin").definitions(), apac.definitions()))
    graph = defs.resolve_asset_graph()
    zones = {
        name: graph.get(dg.AssetKey([name, "conversations"])).partitions_def.timezone
        for name in ("emea", "apac")
    }
    assert zones == {"emea": "Europe/Berlin", "apac": "Asia/Tokyo"}
    merged(dg.Definitions.merge(defs, build_definitions()))


def test_two_orgs_in_two_locations_of_one_instance(genesys_run, genesys_day):
    here, *elsewhere = (emea(name=name) for name in ("emea", "apac", ""))
    day = str(genesys_day)
    with dg.DagsterInstance.ephemeral() as instance:
        details = dg.AssetSelection.assets(here.key("conversation_details")).without_checks()
        assert genesys_run(here.definitions(), details, genesys_day, instance=instance).success
        assert list(latest_pulls(instance, here, [day])) == [day]
        assert [latest_pulls(instance, there, [day]) for there in elsewhere] == [{}, {}]


def test_a_typo():
    with pytest.raises(dg.DagsterInvalidDefinitionError, match="genesis"):
        GenesysCloud(genesis="emea")
    with pytest.raises(TypeError, match="genesis"):
        build_definitions(genesis=GenesysResource())
    with pytest.raises(ConfigurationError, match="genesis"):
        GenesysResource(genesis="emea")


@pytest.mark.parametrize("name", ["", "emea"])
def test_a_time_zone_that_does_not_exist(name, monkeypatch, caplog):
    monkeypatch.setenv("GENESYS_TIMEZONE", "Europe/Berln")
    org = emea(name=name, timezone="Europe/Berln").definitions() if name else build_definitions()
    defs = merged(org, assets=[theirs], jobs=[dg.define_asset_job("their_job", [theirs])])
    assert defs.resolve_job_def("their_job").execute_in_process().success
    assert "Europe/Berln" in caplog.text


@pytest.fixture
def project(monkeypatch):
    """The example project, as `dg` finds it."""
    for name in ("EMEA_CLIENT_ID", "EMEA_CLIENT_SECRET", "EMEA_BUCKET"):
        monkeypatch.setenv(name, "set")
    monkeypatch.chdir(PROJECT)


def dg_says(*command):
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_project_of_dg(project):
    listed = json.loads(dg_says("list", "defs", "--json"))
    assert {"emea/conversation_details", "busy_hours"} <= {asset["asset_key"] for asset in listed["assets"]}


def test_dg_knows_the_component(project):
    assert "genesys_dagster.GenesysCloudComponent" in dg_says("list", "components")
    dg_says("check", "yaml")
