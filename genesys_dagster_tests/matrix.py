"""The built wheel on several Pythons, with the lowest and with the newest versions that pyproject.toml allows.

`python -m genesys_dagster_tests.matrix` (`make matrix`) builds the wheel and, for every Python that is found and both
resolutions, installs it into an environment of its own and runs tests there, one row each. Versions come from
pyproject.toml, not from the lock; nothing is compiled, so the lowest is the lowest with a wheel for that Python.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ENVIRONMENTS = _ROOT / ".venv" / "matrix"
_UV = str(Path(sys.executable).with_name("uv"))
_PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RESOLUTIONS = ("lowest-direct", "highest")
_FILES = (
    "test_dagster_private.py",
    "test_component.py",
    "test_definitions.py",
    "test_asset_graph.py",
    "test_conversation_details.py",
)
TESTS = ("-n", "2", *(f"genesys_dagster_tests/{name}" for name in _FILES))
"""What meets Dagster most: definitions, runs, IO managers, the component."""


@dataclass(frozen=True)
class Row:
    """What came out on one Python with one resolution."""

    python: str
    resolution: str
    dagster: str
    result: str
    passed: bool | None
    """None: not tried."""

    def __str__(self) -> str:
        return f"{self.python:8}{self.resolution:15}{self.dagster:10}{self.result}"


def interpreter(version: str) -> Path | None:
    """The newest Python of that version on this machine: one of pyenv's, or any that uv knows."""
    if ours := list(_PYENV.glob(f"{version}.*/bin/python")):
        return max(ours, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parents[1].name)])
    found = _run(_UV, "python", "find", "--no-python-downloads", "--no-project", version, check=False)
    return Path(found.stdout.strip()) if found.returncode == 0 else None


def row(version: str, resolution: str, wheel: Path, tests: list[str]) -> Row:
    """Install the wheel and run the tests.

    Args:
        version: Of Python, such as 3.12.
        resolution: uv's name of it.
        wheel: The built wheel.
        tests: Arguments of pytest.
    """
    python = interpreter(version)
    if python is None:
        return Row(version, resolution, "", "this Python is not on this machine", None)
    try:
        programs, dagster = _installed(python, version, resolution, wheel)
    except subprocess.CalledProcessError as error:
        return Row(version, resolution, "", f"cannot be installed: {_last_line(error.stderr)}", passed=False)
    started = time.monotonic()
    with _without_sources() as folder:
        ran = _run(
            programs / "python", "-m", "pytest", "-p", "no:cacheprovider", *tests, cwd=folder, check=False
        )
    if ran.returncode:
        print(ran.stdout, ran.stderr, sep="\n", file=sys.stderr)
    result = f"{_last_line(ran.stdout or ran.stderr)} ({time.monotonic() - started:.0f} s)"
    return Row(version, resolution, dagster, result, passed=ran.returncode == 0)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m genesys_dagster_tests.matrix", description=__doc__)
    parser.add_argument("--python", nargs="+", default=PYTHONS, metavar="VERSION")
    parser.add_argument("--resolution", nargs="+", default=RESOLUTIONS, choices=RESOLUTIONS)
    parser.add_argument("tests", nargs="*", default=TESTS, help="arguments of pytest, after --")
    asked = parser.parse_args(arguments)
    _ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _run(_UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder)
        (wheel,) = Path(folder).glob("*.whl")
        print(f"{'Python':8}{'resolution':15}{'Dagster':10}result", flush=True)
        rows = []
        for version in asked.python:
            for resolution in asked.resolution:
                rows.append(row(version, resolution, wheel, list(asked.tests)))
                print(rows[-1], flush=True)
    tried = [it.passed for it in rows if it.passed is not None]
    return 0 if tried and all(tried) else 1


def _installed(python: Path, version: str, resolution: str, wheel: Path) -> tuple[Path, str]:
    """A fresh environment's programs, and the version of Dagster in it."""
    home = _ENVIRONMENTS / f"{version}-{resolution}"
    locked = home.with_name(f"{home.name}.txt")
    everything = ("--all-extras", "--group", "dev", "--only-binary", ":all:")
    _run(
        _UV, "pip", "compile", "pyproject.toml", *everything,
        "--resolution", resolution, "--python-version", version, "--upgrade", "--output-file", locked,
    )  # fmt: skip
    _run(_UV, "venv", "--clear", "--python", python, home)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    into = ("--python", programs / "python")
    _run(_UV, "pip", "install", *into, "--only-binary", ":all:", "--requirements", locked)
    _run(_UV, "pip", "install", *into, "--no-deps", wheel)
    (dagster,) = re.findall(r"^dagster==(\S+)", locked.read_text(encoding="utf-8"), re.MULTILINE)
    return programs, dagster


@contextmanager
def _without_sources() -> Iterator[Path]:
    """The checkout without the package, so that tests find the one of the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        for path in _ROOT.iterdir():
            if path.name != "genesys_dagster" and not path.name.startswith("."):
                (Path(folder) / path.name).symlink_to(path)
        yield Path(folder)


def _run(*command: str | Path, cwd: Path = _ROOT, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }
    return subprocess.run(command, cwd=cwd, check=check, capture_output=True, text=True, env=environment)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1].strip(" =")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
