"""The image: what it copies exists, what it runs is installed, and it ends without rights and without secrets."""

import importlib.metadata
import re
import tomllib
from fnmatch import fnmatch

import pytest

from genesys_dagster_tests.deploy.files import (
    DEPLOY,
    KINDS,
    ROOT,
    compose_command,
    dockerfile,
    image_command,
    image_health,
    read,
    text,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = set(re.findall(r"^([a-z0-9-]+)==", text("../requirements-deploy.lock"), re.MULTILINE))
SECRET = re.compile(r"secret|password|token|client_id|access_key", re.IGNORECASE)


def sources():
    for name, argument in dockerfile():
        if name == "COPY" and not argument.startswith("--from"):
            *copied, _ = argument.split()
            for each in copied:
                yield from (
                    [each] if "${" not in each else [each.replace("${DEPLOYMENT}", kind) for kind in KINDS]
                )


@pytest.mark.parametrize("source", list(sources()))
def test_what_is_copied_is_in_the_repository_and_let_through(source):
    assert (ROOT / source).exists()
    allowed = [line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")]
    assert any(fnmatch(source, pattern) for pattern in allowed)


def test_nothing_else_gets_near_the_image():
    rules = [line for line in text("Dockerfile.dockerignore").splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(fnmatch(".env", rule[1:]) for rule in rules if rule.startswith("!"))


def test_everything_is_installed_from_the_lock_by_its_hashes():
    installs = [argument for name, argument in dockerfile() if name == "RUN" and "pip install" in argument]
    locked, ours = installs
    assert {"--require-hashes", "--only-binary", "requirements-deploy.lock", "--compile"} <= set(
        locked.split()
    )
    assert {"--no-deps", "--no-build-isolation", "--compile"} <= set(ours.split())
    assert "hatchling" in LOCKED


def test_the_lock_has_the_versions_that_are_tested():
    pins = {name: re.findall(rf"^{name}==\S+", text("../requirements.lock"), re.MULTILINE) for name in LOCKED}
    assert len([name for name in pins if pins[name]]) > 80
    for name, tested in pins.items():
        deployed = re.findall(rf"^{name}==\S+", text("../requirements-deploy.lock"), re.MULTILINE)
        assert not tested or deployed == tested
    assert not LOCKED & {"pytest", "moto", "mypy", "ruff"}


def commands():
    yield "image", image_command()
    yield "image's health", image_health()
    for name, service in read("compose.yaml")["services"].items():
        if "image" in service and service["image"].startswith("genesys-dagster:"):
            yield name, compose_command(name)
    yield "worker", read("compose.celery.yaml")["services"]["worker"]["command"]
    for container in read("ecs-task-definition.json")["containerDefinitions"]:
        yield f"ecs {container['name']}", container["command"]


@pytest.mark.parametrize(("who", "command"), list(commands()))
def test_what_is_run_is_a_command_of_what_is_installed(who, command):
    scripts = {
        script.name: script.dist.name for script in importlib.metadata.entry_points(group="console_scripts")
    }
    # Celery is installed in the image alone; its program is called as it is.
    assert command[0] in PROJECT["project"]["scripts"] or scripts.get(command[0], command[0]) in LOCKED


def test_the_code_server_serves_the_module_that_pyproject_names():
    command = image_command()
    assert command[command.index("--module-name") + 1] == PROJECT["tool"]["dagster"]["module_name"]
    (deployment,) = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    assert deployment["codeServerArgs"] == ["--module-name", PROJECT["tool"]["dagster"]["module_name"]]


def test_health_is_asked_of_the_grpc_server_on_the_port_that_it_serves():
    command, health = image_command(), image_health()
    assert health[:3] == ["dagster", "api", "grpc-health-check"]
    assert health[-1] == command[command.index("--port") + 1] == dict(dockerfile())["EXPOSE"]


def test_it_ends_without_rights():
    after = dockerfile()[max(at for at, (name, _) in enumerate(dockerfile()) if name == "FROM") :]
    user = dict(after)["USER"].partition(":")[0]
    assert int(user) > 0
    (deployment,) = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    assert deployment["podSecurityContext"]["runAsUser"] == int(user)
    assert "RUN" not in [name for name, _ in after[[name for name, _ in after].index("USER") :]]


def test_it_holds_no_credentials():
    settings = [argument for name, argument in dockerfile() if name in {"ENV", "ARG"}]
    assert not [each for each in settings if SECRET.search(each)]


def test_every_file_has_a_reader():
    """What nobody names is not looked at by any of these tests."""
    known = {"Dockerfile", "Dockerfile.dockerignore", "README.md", "compose.yaml", "helm-values.yaml"}
    known |= {"ecs-task-definition.json", "workspace.yaml", *(f"dagster.{kind}.yaml" for kind in KINDS)}
    known |= {"compose.celery.yaml", "celery_run_launcher.py", "celery_worker.py"}
    assert {path.name for path in DEPLOY.iterdir() if path.is_file()} == known
