"""The built wheel in an environment of its own, beside what other people's projects have; and the examples, run there."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # what is made once, is made by one process

ROOT = Path(__file__).parents[1]
HERE = ROOT / "genesys_dagster_tests" / "wheel"
EXAMPLES = ROOT / "examples"
HOME = ROOT / ".venv" / "wheel"
"""Always the same place, for the sake of mypy's and Python's caches in it. The environment itself is made anew."""
PYTHON = HOME / "env" / "bin" / "python"
TOOLS = ("pytest", "dagster-dg-cli", "mypy", "pandas-stubs")
TYPED = (
    "examples/two_orgs",
    "examples/secrets_manager",
    "examples/beside_yours",
    "examples/project/src/contact_center",
)
TESTED = ("examples/two_orgs", "examples/secrets_manager", "examples/beside_yours", "examples/project/tests")


def names_in(*paths):
    return [
        f"{path.stem}::{name}"
        for path in paths
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


ROWS = names_in(HERE / "rows.py")
EXAMPLE_TESTS = names_in(*sorted(EXAMPLES.rglob("test_*.py")))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What came out: of each test its complaints, of mypy what it says. Run once, also when several workers ask for it."""
    folder = tmp_path_factory.getbasetemp()
    said = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "wheel.json"
    with _one_at_a_time():
        if not said.exists():
            said.write_text(json.dumps(_run(tmp_path_factory.mktemp("elsewhere"))), encoding="utf-8")
    return json.loads(said.read_text(encoding="utf-8"))


@pytest.mark.parametrize("test", ROWS + EXAMPLE_TESTS)
def test_it_works_with_the_wheel(ran, test):
    complaints = ran["tests"].get(test, [ran["output"]])
    assert not complaints, "\n".join(complaints)


def test_nothing_else_was_run(ran):
    assert sorted(ran["tests"]) == sorted(ROWS + EXAMPLE_TESTS)


def test_public_surface_and_examples_are_typed(ran):
    assert ran["mypy"] == "Success: no issues found in 12 source files\n"


@contextmanager
def _one_at_a_time():
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(folder):
    _install(folder)
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("rows.py", "typed.py"):
        shutil.copy(HERE / name, folder)
    mypy = _started(
        folder, "mypy", "--strict", "--cache-dir", HOME / "mypy", "--exclude", "test_|conftest", "typed.py", *TYPED,
        MYPYPATH="examples:examples/project/src",
    )  # fmt: skip
    tests = _started(
        folder, "pytest", "--rootdir", folder, "-p", "no:cacheprovider", "--junitxml", "said.xml", "rows.py", *TESTED,
        PYTHONPATH="examples/project/src",
    )  # fmt: skip
    output = tests.communicate()[0]
    said = {"mypy": mypy.communicate()[0], "output": output, "tests": {}}
    if (folder / "said.xml").exists():
        for case in ET.parse(folder / "said.xml").iter("testcase"):
            name = f"{case.get('classname').rpartition('.')[2]}::{case.get('name').partition('[')[0]}"
            said["tests"].setdefault(name, []).extend(
                it.text for it in case if it.tag in {"failure", "error", "skipped"}
            )
    return said


def _install(folder):
    """The wheel and what it says that it needs, in the versions of the lock; from uv's cache, where that has them."""
    uv = Path(sys.executable).with_name("uv")
    build = (uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder)
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [uv, "venv", "--clear", "--python", sys.executable, HOME / "env"], check=True, capture_output=True
    )
    what = ("--constraint", ROOT / "requirements.lock", f"{wheel}[sandbox]", *TOOLS)
    for anywhere in (["--offline"], []):
        install = [uv, "pip", "install", "--python", PYTHON, *anywhere, *what]
        done = subprocess.run(install, check=False, capture_output=True, text=True, env=_environment())
        if done.returncode == 0:
            return
    pytest.fail(done.stderr)


def _started(folder, *command, **variables):
    return subprocess.Popen(
        [PYTHON, "-m", *command],
        cwd=folder,
        env=_environment(PYTHONPYCACHEPREFIX=str(HOME / "pycache"), **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _environment(**variables):
    ours = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "MYPY", "GENESYS", "AWS_", "DAGSTER")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | variables
