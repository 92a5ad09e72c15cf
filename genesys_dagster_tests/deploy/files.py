"""The files of deploy/, as tests read them."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KINDS = ("compose", "k8s", "ecs", "celery")
"""The deployments that have a block of dagster.yaml."""


def text(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


def read(name):
    return json.loads(text(name)) if name.endswith(".json") else yaml.safe_load(text(name))


def block(kind):
    """What the dagster.yaml of a kind of deployment says; `local` is that of the repository's root."""
    return (
        yaml.safe_load((ROOT / "dagster.yaml").read_text())
        if kind == "local"
        else read(f"dagster.{kind}.yaml")
    )


def dockerfile():
    """The Dockerfile's instructions, as pairs of name and argument."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text("Dockerfile"), flags=re.MULTILINE)).splitlines()
    return [
        (name, " ".join(rest.split())) for name, _, rest in (line.partition(" ") for line in lines if line)
    ]


def compose_command(service):
    """What a service of compose.yaml runs; the image's own command where it says nothing."""
    return read("compose.yaml")["services"][service].get("command") or image_command()


def image_command():
    return json.loads(dict(dockerfile())["CMD"])


def image_health():
    return json.loads(dict(dockerfile())["HEALTHCHECK"].partition("CMD ")[2])
