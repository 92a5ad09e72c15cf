"""`make helm CHART=...`: Dagster's Helm chart, rendered with deploy/helm-values.yaml and looked at as its user.

Nothing of the chart lies in this repository: CHART is what `helm template` takes, such as a folder, or
"dagster/dagster --version 1.13.27" after `helm repo add`. It needs `helm`, and dagster-k8s of requirements-deploy.lock,
which says what a run gets.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster_k8s.container_context import K8sContainerContext

from genesys_dagster.host import Settings, what_is_missing
from genesys_dagster_tests.deploy.files import DEPLOY, block, read

# What both the launcher and the code location may say of a run's pod.
_OF_BOTH = (
    "env_secrets",
    "env_config_maps",
    "image_pull_policy",
    "resources",
    "service_account_name",
    "volumes",
)
_SAME_AS_K8S = (
    "concurrency",
    "run_monitoring",
    "run_retries",
    "python_logs",
    "retention",
    "telemetry",
    "nux",
)


def main(*chart):
    """Print a line for each thing that was looked at; returns how many are wrong."""
    rendered = Rendered(_template(chart))
    wrong = 0
    for what, found, wanted in (*of_the_instance(rendered), *of_runs(rendered), *of_the_release(rendered)):
        is_well = found == wanted
        wrong += not is_well
        print(
            f"{'ok   ' if is_well else 'WRONG'} {what}" + ("" if is_well else f": {found!r}, not {wanted!r}")
        )
    return wrong


def of_the_instance(rendered):
    """That Dagster takes the dagster.yaml, and that it says what deploy/dagster.k8s.yaml says."""
    said, k8s = rendered.instance, block("k8s")
    with tempfile.TemporaryDirectory() as home:
        Path(home, "dagster.yaml").write_text(yaml.safe_dump(said))
        os.environ["DAGSTER_PG_PASSWORD"] = "x"
        dagster_instance_config(home)  # raises
    yield (
        "dagster.yaml has all that a run needs of its host",
        what_is_missing(Settings(said, shares_limit=False)),
        [],
    )
    for part in _SAME_AS_K8S:
        yield f"{part} as in dagster.k8s.yaml", _within(said.get(part), k8s[part]), k8s[part]
    for part in ("run_launcher", "compute_logs"):
        yield f"{part} as in dagster.k8s.yaml", said[part]["class"], k8s[part]["class"]
    databases = [
        said[f"{name}_storage"]["config"]["postgres_db"]["scheme"]
        for name in ("run", "event_log", "schedule")
    ]
    yield "the driver of Postgres is named", set(databases), {"postgresql+psycopg2"}


def of_runs(rendered):
    """What a run's pod gets: the launcher's settings, and over them those of its code location."""
    launcher, server = rendered.instance["run_launcher"]["config"], rendered.code_server
    k8s = block("k8s")["run_launcher"]["config"]
    of_launcher = {name: launcher[name] for name in _OF_BOTH if name in launcher}
    run = _context({"k8s": of_launcher}).merge(
        _context(json.loads(rendered.variables["DAGSTER_CONTAINER_CONTEXT"]))
    )
    container, pod = run.run_k8s_config.container_config, run.run_k8s_config.pod_spec_config
    yield "a run has the resources of dagster.k8s.yaml", container["resources"], k8s["resources"]
    secrets = [each["secret_ref"]["name"] for each in container["env_from"] if "secret_ref" in each]
    yield "it has the credentials once", secrets, k8s["env_secrets"]
    maps = [each["config_map_ref"]["name"] for each in container["env_from"] if "config_map_ref" in each]
    variables = {
        name: value for each in maps for name, value in rendered.named("ConfigMap", each)["data"].items()
    }
    mounted = [each["mount_path"] for each in container["volume_mounts"]]
    yield "its temporary files have a volume", [variables["TMPDIR"]], mounted
    yield "it has the variables of the code server", server["env"].items() - variables.items(), set()
    account = rendered.named("ServiceAccount", pod["service_account_name"])["metadata"]
    yield "its service account has a role", list(account["annotations"]), ["eks.amazonaws.com/role-arn"]
    yield (
        "its image is the code server's",
        rendered.variables["DAGSTER_CURRENT_IMAGE"],
        rendered.container["image"],
    )
    yield "its dagster.yaml lies in its DAGSTER_HOME", launcher["dagster_home"], rendered.home


def of_the_release(rendered):
    """That nothing is in the way of the next `helm upgrade`, and that webserver and daemon have no rights of a run."""
    yield (
        "no job, which an upgrade could not change",
        [each["metadata"]["name"] for each in rendered.all("Job")],
        [],
    )
    others = [each for each in rendered.all("Deployment") if each is not rendered.deployment]
    specs = [each["spec"]["template"]["spec"] for each in others]
    accounts = {each["serviceAccountName"] for each in specs}
    roles = [rendered.named("ServiceAccount", name)["metadata"]["annotations"] for name in accounts]
    yield "webserver and daemon have no role", [role for role in roles if role], []
    secrets = [each for spec in specs for container in spec["containers"] for each in container["envFrom"]]
    yield "and no credentials", [each["secretRef"] for each in secrets if "secretRef" in each], []
    (daemon,) = rendered.named("Deployment", "dagster-daemon")["spec"]["template"]["spec"]["containers"]
    yield (
        "the daemon is watched",
        daemon["livenessProbe"]["exec"]["command"],
        ["dagster-daemon", "liveness-check"],
    )
    (location,) = rendered.workspace["load_from"]
    service = rendered.named("Service", location["grpc_server"]["host"])
    yield "they find the code server", location["grpc_server"]["port"], service["spec"]["ports"][0]["port"]


class Rendered:
    """The manifests of a release."""

    def __init__(self, manifests):
        self._manifests = [each for each in manifests if each]
        (self.code_server,) = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
        (self.deployment,) = [
            each
            for each in self.all("Deployment")
            if each["metadata"]["labels"].get("deployment") == self.code_server["name"]
        ]
        (self.container,) = self.deployment["spec"]["template"]["spec"]["containers"]
        self.variables = {each["name"]: each.get("value") for each in self.container["env"]}
        self.instance = self._file("dagster.yaml")
        self.workspace = self._file("workspace.yaml")
        self.home = read("helm-values.yaml")["global"]["dagsterHome"]

    def all(self, kind):
        return [each for each in self._manifests if each["kind"] == kind]

    def named(self, kind, name):
        (found,) = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        return found

    def _file(self, name):
        (found,) = [each["data"][name] for each in self.all("ConfigMap") if name in each["data"]]
        return yaml.safe_load(found)


def _template(chart):
    values = DEPLOY / "helm-values.yaml"
    command = ["helm", "template", "dagster", *chart, "--namespace", "dagster", "--values", str(values)]
    return yaml.safe_load_all(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _context(settings):
    return K8sContainerContext.create_from_config(settings)


def _within(said, wanted):
    """The part of what is said that is wanted: the chart adds defaults of its own."""
    if not (isinstance(said, dict) and isinstance(wanted, dict)):
        return said
    return {name: _within(said.get(name), each) for name, each in wanted.items()}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
