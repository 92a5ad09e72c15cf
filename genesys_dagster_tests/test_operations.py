"""docs/operations.md explains every job and every check that may speak up, and its numbers follow from the benchmarks."""

import re
from pathlib import Path

import pytest

from genesys_dagster.definitions import defs

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
ALERTS = PAGE.partition("## What each alert means")[2].partition("\n## ")[0]
FIRST_COLUMNS = {
    name
    for row in re.findall(r"^\| (`[^|]+) \|", ALERTS, re.MULTILINE)
    for name in re.findall(r"`(\w+)`", row)
}
DAYS, PER_MINUTE = 3 * 365 + 1, 300
# Seconds of a process, by conversations.
PROCESS = {
    int(row[0].replace(",", "")): float(row[1])
    for row in re.findall(
        r"^\| +([\d,]+) \| gzip +\| ours, whole run +\|[^|]+\|[^|]+\| +([\d.]+) \|",
        (DOCS / "benchmarks.md").read_text(encoding="utf-8").partition("**The same")[0],
        re.MULTILINE,
    )
}


def test_every_job_and_check_is_explained():
    jobs = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    assert jobs | checks == FIRST_COLUMNS


def test_checks_that_block_are_told_apart():
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    rows = re.findall(r"^\| (`[^|]+) \(blocking\) \|", ALERTS, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == blocking


@pytest.mark.parametrize(
    "row", re.findall(r"^\| ([\d,]+) \| (\d+) \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
)
def test_what_three_years_take_follows_from_what_was_measured(row):
    conversations, a_day, in_all, by_limit, ours = (float(each.replace(",", "")) for each in row)
    assert a_day == 5 + conversations / 1000 + 3
    assert in_all == a_day * DAYS
    assert by_limit == round(in_all / PER_MINUTE / 60, 1)
    assert ours == pytest.approx((PROCESS[int(conversations)] + 4) * DAYS / 3600, rel=0.2)
