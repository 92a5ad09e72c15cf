"""What others are told to do can be done: commands exist, links lead somewhere, CI and hooks run what we run."""

import re
from pathlib import Path

import pytest
import yaml

from genesys_dagster_tests.fresh_machine import COMMANDS, PACKAGES, PROVEN, SERVED, URL

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("deploy/*.md"),
    *ROOT.glob("examples/**/*.md"),
]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def named(paths):
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(paths)]


def anchors(page):
    """Of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", named(PAGES))
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", named([ROOT / "CONTRIBUTING.md", ROOT / "docs" / "operations.md"]))
def test_commands_of_make_exist(page):
    named_there = set(re.findall(r"\bmake ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert named_there <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_a_fresh_machine_is_given_what_the_readme_says_and_waits_for_what_the_demo_says():
    assert PACKAGES == ["git", "make", "python3-venv"]
    assert [f"git clone {URL} genesys_dagster && cd genesys_dagster", "make demo"] == COMMANDS
    closing = (ROOT / "genesys_dagster" / "demo" / "closing.py").read_text(encoding="utf-8")
    assert SERVED in closing
    proven = "All 4,147 conversations of the org are in the lake and 302 checks passed, in 120 s."
    assert PROVEN.match(proven)
    assert proven in (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_elsewhere_runs_what_ci_here_runs():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text())
    steps = workflow["jobs"]["ci"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert workflow["permissions"] == {"contents": "read"}


def test_hooks_are_commands_of_make_lint():
    lint = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0].replace("$(BIN)", ".venv/bin").split("\n\t")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {hook["entry"] for hook in repository["hooks"]} < set(lint)


def test_everything_that_has_a_schema_is_held_to_it_by_make_lint():
    lint = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]
    forms = [path.relative_to(ROOT) for path in (ROOT / ".github").rglob("*.y*ml")]
    for path in (*forms, "deploy/Dockerfile", "deploy/compose.yaml"):
        assert str(path) in lint


@pytest.mark.parametrize("form", named((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_forms_of_issues_can_be_read(form):
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem != "config":
        assert {"name", "description", "body"} <= set(content)
        ids = [each["id"] for each in content["body"] if "id" in each]
        assert len(ids) == len(set(ids))
