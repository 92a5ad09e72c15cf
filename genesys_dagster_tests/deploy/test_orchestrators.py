"""compose.yaml, the chart's values and the task definition: order, health, and who has which credentials."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

from genesys_dagster_tests.deploy.files import block, read
from genesys_dagster_tests.deploy.test_instances import environment

CREDENTIALS = {"GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET"}


@pytest.fixture
def services():
    return read("compose.yaml")["services"]


@pytest.fixture
def containers():
    return {each["name"]: each for each in read("ecs-task-definition.json")["containerDefinitions"]}


def named(container, key):
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container[key]}


def test_compose_starts_nothing_before_the_database_is_migrated(services):
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["code"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    for name in ("webserver", "daemon"):
        assert services[name]["depends_on"] == {"code": {"condition": "service_healthy"}}


def test_compose_asks_each_service_for_its_health(services):
    # The code server's is the image's; a migration ends.
    assert {name for name, each in services.items() if "healthcheck" not in each} == {"code"}
    assert services["migrate"]["healthcheck"] == {"disable": True}


def test_compose_gives_the_credentials_of_genesys_cloud_to_the_code_server_alone(services):
    assert [name for name, each in services.items() if "env_file" in each] == ["code"]
    assert not [name for name, each in services.items() if CREDENTIALS & set(each["environment"])]


def test_compose_has_every_variable_that_its_instance_reads(services):
    for name in ("migrate", "code", "webserver", "daemon"):
        assert environment(block("compose")) <= set(services[name]["environment"])


def test_compose_mounts_only_volumes_that_it_makes(services):
    mounted = {each.partition(":")[0] for service in services.values() for each in service.get("volumes", [])}
    assert mounted == set(read("compose.yaml")["volumes"])


def test_compose_with_celery_gives_the_broker_to_all_that_need_it_and_one_rate_limit(services):
    added = read("compose.celery.yaml")["services"]
    ours = {name for name, each in services.items() if "image" in each and name != "postgres"}
    assert {name for name, each in added.items() if "environment" in each} == {*ours, "worker"}
    needed = environment(block("celery")) - environment(block("compose")) | {"GENESYS_RATE_LIMIT_STORE"}
    assert all(needed == set(added[name]["environment"]) for name in ours)


def test_a_worker_has_what_the_code_server_has_and_runs_what_it_serves(services):
    added = read("compose.celery.yaml")["services"]
    assert added["worker"]["extends"] == {"file": "compose.yaml", "service": "code"}
    assert added["migrate"]["build"]["args"] == {"DEPLOYMENT": "celery"}


def test_compose_shows_the_ui_to_its_machine_alone(services):
    assert [each["ports"] for each in services.values() if "ports" in each] == [["127.0.0.1:3000:3000"]]


def test_values_hold_no_secrets_but_name_them():
    values = read("helm-values.yaml")
    assert values["generatePostgresqlPasswordSecret"] is False
    assert "postgresqlPassword" not in values["postgresql"]
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert not CREDENTIALS & set(deployment["env"])
    assert deployment["image"]["tag"] != "latest"


def test_values_give_temporary_files_of_runs_a_volume():
    (deployment,) = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    assert deployment["includeConfigInLaunchedRuns"] == {"enabled": True}
    (mount,), (volume,) = deployment["volumeMounts"], deployment["volumes"]
    assert mount["mountPath"] == deployment["env"]["TMPDIR"]
    assert mount["name"] == volume["name"]


def problems(definition):
    model = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
    return ParamValidator().validate(definition, model.input_shape).generate_report()


def test_aws_accepts_the_task_definition():
    definition = read("ecs-task-definition.json")
    assert not problems(definition)
    definition["containerDefinitions"][0]["comand"] = definition["containerDefinitions"][0].pop("command")
    assert "comand" in problems(definition)


def test_the_task_has_every_variable_that_its_instance_reads(containers):
    for container in containers.values():
        assert environment(block("ecs")) <= {*named(container, "environment"), *named(container, "secrets")}


def test_the_task_gives_the_credentials_of_genesys_cloud_to_code_and_runs_alone(containers):
    assert [name for name, each in containers.items() if CREDENTIALS & set(named(each, "secrets"))] == [
        "code"
    ]
    assert not [name for name, each in containers.items() if CREDENTIALS & set(named(each, "environment"))]
    assert {each["name"] for each in block("ecs")["run_launcher"]["config"]["secrets"]} >= CREDENTIALS


def test_a_run_has_the_settings_of_the_code_server(containers):
    """The launcher makes a run's container of the daemon's."""
    code, daemon = (named(containers[name], "environment") for name in ("code", "daemon"))
    assert {key: value for key, value in code.items() if key.startswith("GENESYS")}.items() <= daemon.items()
    assert code["DAGSTER_CURRENT_IMAGE"] == containers["code"]["image"]


def test_the_task_starts_nothing_before_the_database_is_migrated(containers):
    assert containers["code"]["dependsOn"] == [{"containerName": "migrate", "condition": "SUCCESS"}]
    assert not containers["migrate"]["essential"]
    for name in ("webserver", "daemon"):
        assert containers[name]["dependsOn"] == [{"containerName": "code", "condition": "HEALTHY"}]
