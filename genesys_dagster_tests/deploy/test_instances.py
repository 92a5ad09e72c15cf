"""What a run needs from its host stands in the dagster.yaml of every kind of deployment, as Dagster's schema has it."""

import importlib
import re
import shutil

import dagster as dg
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config

from genesys_dagster_tests.deploy.files import DEPLOY, KINDS, block, read, text

IN_COMMON = ("run_retries", "python_logs", "concurrency", "telemetry", "nux")
VARIABLES = {
    "DAGSTER_POSTGRES_HOST",
    "DAGSTER_POSTGRES_USER",
    "DAGSTER_POSTGRES_PASSWORD",
    "DAGSTER_POSTGRES_DB",
}


def environment(value):
    """The variables that a configuration is read from."""
    if isinstance(value, dict):
        if set(value) == {"env"}:
            return {value["env"]}
        return set().union(*map(environment, value.values()))
    return set().union(*map(environment, value)) if isinstance(value, list) else set()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def validated(folder, kind, monkeypatch):
    for name in environment(block(kind)):
        monkeypatch.setenv(name, "x")
    shutil.copy(DEPLOY / f"dagster.{kind}.yaml", folder / "dagster.yaml")
    return dagster_instance_config(str(folder))[0]


def test_dagster_accepts_the_block(tmp_path, kind, monkeypatch):
    assert set(validated(tmp_path, kind, monkeypatch)["storage"]) == {"postgres"}


def test_a_word_that_dagster_does_not_know_is_not_accepted(tmp_path, kind, monkeypatch):
    validated(tmp_path, kind, monkeypatch)
    with (tmp_path / "dagster.yaml").open("a") as file:
        file.write("\nrun_monitorring: {enabled: true}\n")
    with pytest.raises(dg.DagsterInvalidConfigError, match="run_monitorring"):
        dagster_instance_config(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("compose", "run_launcher"),
        ("compose", "compute_logs"),
        ("ecs", "run_launcher"),
        ("ecs", "compute_logs"),
    ],
)
def test_what_dagster_loads_by_name_exists_and_accepts_its_settings(kind, part, monkeypatch):
    """Of K8s's launcher, whose package only the image has, the chart's values say the same; Celery's is run for real."""
    settings = block(kind)[part]
    for name in environment(settings):
        monkeypatch.setenv(name, "x")
    of = getattr(importlib.import_module(settings["module"]), settings["class"])
    result = process_config(resolve_to_config_type(of.config_type()), settings.get("config", {}))
    assert result.success, result.errors


def test_storage_is_postgres_of_the_environment_and_nothing_is_secret_in_the_file(kind):
    assert environment(block(kind)["storage"]) == VARIABLES


def test_the_driver_of_postgres_is_the_one_that_is_installed(kind):
    """Without a name SQLAlchemy 2.1 takes psycopg, which dagster-postgres does not bring: nothing would start."""
    assert block(kind)["storage"]["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert read("helm-values.yaml")["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    assert "\npsycopg2-binary==" in text("../requirements-deploy.lock")


def test_one_run_at_a_time_asks_genesys_cloud(kind):
    assert block(kind)["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}


def test_a_run_that_was_killed_is_found_and_frees_its_place_in_the_pool(kind):
    monitoring = block(kind)["run_monitoring"]
    assert monitoring["enabled"]
    assert 0 < monitoring["free_slots_after_run_end_seconds"] <= 300
    # Launchers that know no health of their runs leave those of a dead host started for ever.
    launcher = block(kind)["run_launcher"]["class"]
    assert launcher != "DefaultRunLauncher" or monitoring["max_runtime_seconds"] > 0


def test_workers_of_celery_have_room_for_all_runs():
    """A run that waits in the broker counts as starting, and is given up after a while."""
    command = read("compose.celery.yaml")["services"]["worker"]["command"]
    of_each = int(command[command.index("--concurrency") + 1])
    workers = int(re.search(r"--scale worker=(\d+)", text("compose.celery.yaml"))[1])
    assert of_each * workers >= block("celery")["concurrency"]["runs"]["max_concurrent_runs"]


def test_what_does_not_depend_on_the_host_is_as_on_one_machine(kind):
    ours, local = block(kind), block("local")
    assert {part: ours[part] for part in IN_COMMON} == {part: local[part] for part in IN_COMMON}


def test_the_chart_writes_the_block_of_kubernetes():
    """As the chart's templates/configmap-instance.yaml makes dagster.yaml of the values."""
    values, k8s = read("helm-values.yaml"), block("k8s")
    daemon, launcher = values["dagsterDaemon"], values["runLauncher"]["config"]["k8sRunLauncher"]
    monitoring, retries, runs = daemon["runMonitoring"], daemon["runRetries"], values["concurrency"]["runs"]
    assert k8s["concurrency"] == {
        "pools": {
            "default_limit": values["concurrency"]["pools"]["defaultLimit"],
            "granularity": values["concurrency"]["pools"]["granularity"],
        },
        "runs": {"max_concurrent_runs": runs["maxConcurrentRuns"]},
    }
    assert k8s["run_monitoring"] == {
        "enabled": monitoring["enabled"],
        "start_timeout_seconds": monitoring["startTimeoutSeconds"],
        "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
    }
    assert k8s["run_retries"] == {
        "enabled": retries["enabled"],
        "max_retries": retries["maxRetries"],
        "retry_on_asset_or_op_failure": retries["retryOnAssetOrOpFailure"],
    }
    assert k8s["python_logs"] == {
        "managed_python_loggers": values["pythonLogs"]["managedPythonLoggers"],
        "python_log_level": values["pythonLogs"]["pythonLogLevel"],
    }
    assert k8s["retention"] == {
        "sensor": {"purge_after_days": values["retention"]["sensor"]["purgeAfterDays"]},
        "auto_materialize": {"purge_after_days": values["retention"]["autoMaterialize"]["purgeAfterDays"]},
    }
    assert k8s["run_launcher"]["class"] == values["runLauncher"]["type"]
    config = k8s["run_launcher"]["config"]
    # The chart gives runs what their code server has, and only then what the launcher says.
    (server,) = values["dagster-user-deployments"]["deployments"]
    assert server["includeConfigInLaunchedRuns"]["enabled"]
    assert not {"envSecrets", "resources"} & set(launcher)
    assert config["env_secrets"] == [each["name"] for each in server["envSecrets"]]
    assert config["resources"] == server["resources"]
    assert config["fail_pod_on_run_failure"] is launcher["failPodOnRunFailure"]
    assert k8s["compute_logs"]["class"] == values["computeLogManager"]["type"]
    assert k8s["telemetry"] == values["telemetry"]
    assert {"nux": k8s["nux"]} == values["additionalInstanceConfig"]


def test_the_code_location_has_the_name_that_it_has_everywhere():
    (loaded,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    (local,) = yaml.safe_load((DEPLOY.parent / "workspace.yaml").read_text())["load_from"]
    assert loaded["grpc_server"]["location_name"] == local["python_module"]["location_name"]
