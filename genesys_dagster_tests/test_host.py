"""What a run needs from its host: each documented dagster.yaml has all of it, and each piece that is taken away is named."""

import copy
import re
import tempfile
from pathlib import Path

import pytest
import yaml

from genesys_dagster.host import (
    NEEDS,
    Settings,
    UnusableHost,
    instance_of_host,
    room_for_temporary_files,
    what_is_missing,
)

ROOT = Path(__file__).parents[1]
BLOCKS = {
    path.stem: path for path in [ROOT / "dagster.yaml", *sorted((ROOT / "deploy").glob("dagster.*.yaml"))]
}
ABSENT = object()
# How each need is not met: what is put at a path, or that nothing is there.
BROKEN = [
    ("concurrency.pools.default_limit", ABSENT, "any number of runs"),
    ("concurrency.pools.default_limit", 2, "GENESYS_RATE_LIMIT_STORE"),
    ("run_monitoring.enabled", False, "started for ever"),
    ("run_monitoring.enabled", ABSENT, "started for ever"),
    ("run_monitoring.free_slots_after_run_end_seconds", ABSENT, "keeps its place"),
    ("run_monitoring.free_slots_after_run_end_seconds", 0, "keeps its place"),
    ("run_retries.enabled", ABSENT, "not started again"),
    ("run_retries.retry_on_asset_or_op_failure", ABSENT, "failed steps"),
    ("run_retries.retry_on_asset_or_op_failure", True, "failed steps"),
    ("python_logs.managed_python_loggers", ["mine"], "not in its log"),
    ("python_logs.managed_python_loggers", ABSENT, "not in its log"),
    ("python_logs.python_log_level", "WARNING", "not in its log"),
    ("python_logs.python_log_level", ABSENT, "not in its log"),
]
SQLITE_ELSEWHERE = {"storage": ABSENT, "run_launcher.class": "K8sRunLauncher"}


@pytest.fixture(params=BLOCKS)
def block(request, monkeypatch):
    text = BLOCKS[request.param].read_text(encoding="utf-8")
    for name in re.findall(r"\{env: (\w+)\}", text):
        monkeypatch.setenv(name, "x")
    return text


def changed(text, changes):
    said = copy.deepcopy(yaml.safe_load(text))
    for path, value in changes.items():
        *above, last = path.split(".")
        place = said
        for part in above:
            place = place.setdefault(part, {})
        if value is ABSENT:
            place.pop(last, None)
        else:
            place[last] = value
    return said


def missing(said, *, shares_limit=False):
    return what_is_missing(Settings(said, shares_limit=shares_limit))


def test_every_documented_block_has_all_that_a_run_needs(block, tmp_path, monkeypatch):
    (tmp_path / "dagster.yaml").write_text(block, encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    home, said = instance_of_host(shares_limit=False)
    assert home == tmp_path
    assert what_is_missing(said) == []
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]  # nothing is written by looking


@pytest.mark.parametrize(("path", "value", "words"), BROKEN)
def test_each_piece_that_is_taken_away_is_named_and_nothing_else(block, path, value, words):
    (only,) = missing(changed(block, {path: value}))
    assert only.startswith(f"{path}: ")
    assert words in only
    assert re.search(r"\bSet (it to |GENESYS)", only)


def test_sqlite_and_runs_on_other_hosts_do_not_go_together(block):
    (only,) = missing(changed(block, SQLITE_ELSEWHERE))
    assert only.startswith("storage: it is SQLite")


def test_no_need_is_without_its_test():
    broken = {*((path, words) for path, _, words in BROKEN), ("storage", "it is SQLite")}
    for need in NEEDS:
        assert [words for path, words in broken if path == need.where and words in need.otherwise]


@pytest.mark.parametrize("storage", [{"mysql": {}}, {"custom": {}}, {"postgres": {}}])
def test_a_database_serves_runs_anywhere(block, storage):
    assert missing(changed(block, {**SQLITE_ELSEWHERE, "storage": storage})) == []


def test_more_than_one_run_may_ask_where_the_rate_limit_is_shared(block):
    several = changed(block, {"concurrency.pools.default_limit": 3})
    assert missing(several, shares_limit=True) == []
    assert len(missing(several)) == 1


def test_what_a_variable_says_counts_as_if_it_stood_there(block, monkeypatch):
    monkeypatch.setenv("SLOTS", "60")
    monkeypatch.setenv("RETRIES", "true")
    said = {
        "run_monitoring.free_slots_after_run_end_seconds": {"env": "SLOTS"},
        "run_retries.enabled": {"env": "RETRIES"},
    }
    assert missing(changed(block, said)) == []
    monkeypatch.delenv("SLOTS")
    assert len(missing(changed(block, said))) == 1


def test_a_folder_without_a_file_lacks_all_but_what_is_right_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    _, said = instance_of_host(shares_limit=False)
    assert len(what_is_missing(said)) == 7


@pytest.mark.parametrize("home", ["relative", "/no/such/folder"])
def test_a_home_that_dagster_refuses_is_said(home, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", home)
    with pytest.raises(UnusableHost, match=f"DAGSTER_HOME={home} is not"):
        instance_of_host(shares_limit=False)


@pytest.mark.parametrize("text", ["run_monitorring: {enabled: true}", "a: [", "concurrency: 3"])
def test_a_file_that_dagster_refuses_is_said_in_one_line(text, tmp_path, monkeypatch):
    (tmp_path / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(UnusableHost, match=r"dagster\.yaml cannot be used: .+") as caught:
        instance_of_host(shares_limit=False)
    assert "\n" not in str(caught.value)


def test_a_folder_for_temporary_files_that_cannot_be_used_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(UnusableHost, match="TMPDIR="):
        room_for_temporary_files()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder, free = room_for_temporary_files()
    assert folder == tmp_path
    assert free > 0
