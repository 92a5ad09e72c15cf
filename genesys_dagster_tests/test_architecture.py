"""The plan of the house, as docs/architecture.md draws it: arrows point downwards only."""

import ast
import re
from pathlib import Path

import pytest

import genesys_dagster

ROOT = Path(genesys_dagster.__file__).parent
PLAN = Path(__file__).parent.parent / "docs" / "architecture.md"


def floors():
    """The rooms from the top down, as the plan lists them."""
    drawn = re.search(r"```text\n(.*?)```", PLAN.read_text(encoding="utf-8"), re.DOTALL)[1]
    return [re.findall(r"[a-z_]+", line.partition("  ")[0]) for line in drawn.splitlines() if line.strip()]


FLOOR = {room: number for number, floor in enumerate(floors()) for room in floor}


def imports(path):
    """The rooms that a module imports, wherever in it, lazily too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "genesys_dagster":
            below = node.module.split(".")[1:]
            yield from [below[0]] if below else [name.name for name in node.names]
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            yield from (name[1] for name in names if name[0] == "genesys_dagster" and len(name) > 1)


def room_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


MODULES = sorted(ROOT.rglob("*.py"))


def test_the_plan_shows_every_room_and_no_other():
    assert set(FLOOR) == {room_of(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_a_module_imports_from_its_room_and_from_below(path):
    room = room_of(path)
    assert [other for other in imports(path) if other != room and FLOOR[other] <= FLOOR[room]] == []


def test_event_loops_run_apart_from_the_main_thread_which_interrupts_strike():
    loops = re.compile(r"\basyncio\.(run|Runner|new_event_loop)\(")
    found = [path for path in MODULES if loops.search(path.read_text(encoding="utf-8"))]
    apart = {path.relative_to(ROOT).as_posix() for path in found if room_of(path) != "sandbox"}
    assert apart == {"extract/background.py"}


@pytest.mark.parametrize(
    ("room", "library"),
    [("genesys", "dagster"), ("genesys", "pyarrow"), ("genesys", "boto3"), ("records", "dagster"), ("records", "httpx"),
     ("extract", "dagster"), ("extract", "boto3"), ("sandbox", "dagster")],
)  # fmt: skip
def test_a_room_does_without_what_is_not_its_business(room, library):
    lazily = {"pyarrow": "pa|pc|ds|pq", "httpx": "httpx"}.get(library, library)
    pattern = re.compile(
        rf"^\s*(?:(?:from|import) {library}|from genesys_dagster\.lazy import .*\b(?:{lazily}))\b",
        re.MULTILINE,
    )
    found = [path for path in (ROOT / room).rglob("*.py") if pattern.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_the_environment_is_read_in_one_module():
    # The machine's own variables (proxies, certificates), and the demo, the sandbox and the test kit, which set some.
    others = {"genesys/surroundings.py", "testing.py"}
    found = {
        str(path.relative_to(ROOT))
        for path in MODULES
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text(encoding="utf-8"))
        and room_of(path) not in {"demo", "sandbox"}
    }
    assert found == {"environment.py", *others}


def test_what_is_private_in_dagster_is_used_in_one_module():
    pattern = re.compile(
        r"dagster\._core|\.step_context\b|\.run_storage\b|\.event_log_storage\b|report_dagster_event"
    )
    found = [path for path in MODULES if pattern.search(path.read_text(encoding="utf-8"))]
    assert [str(path.relative_to(ROOT)) for path in found] == ["dagster_private.py"]
