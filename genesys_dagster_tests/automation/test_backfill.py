"""Backfills: several runs at once stay within what the org allows a client, and lose nothing."""

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from genesys_dagster.sandbox.api import limits
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.test_conversation_details import held, records_in

BIN = Path(sys.executable).parent
PROJECT = Path(__file__).parents[2]
WINDOW = 4.0  # s: minutes that pass faster, for the server and for the clients
ALLOWED = 30  # requests in one of them, for all processes together
AT_ONCE = 3  # requests of one process: each that is on its way when the allowance ends is in vain

RUN = f"""
import sys
import dagster as dg
from genesys_dagster.genesys import rate_limit
rate_limit.WINDOW = {WINDOW}
from genesys_dagster_tests.default_org import conversation_details
from genesys_dagster.definitions import build_definitions
from genesys_dagster.resources import GenesysResource
genesys = GenesysResource(source="query", query_page_size=10, max_concurrency={AT_ONCE})
dg.materialize(
    [conversation_details], partition_key=sys.argv[1], resources=build_definitions(genesys=genesys).resources
)
"""


@pytest.fixture
def one_allowance(sandbox, monkeypatch):
    """The org counts all tokens of a client together; returns the requests of each of its minutes."""
    by_token = limits.RateLimiter.use
    admitted = Counter()

    def by_client(self, token, allowed, now):
        usage = by_token(self, "the client", allowed, now)
        if not usage.exceeded:
            admitted[self._windows["the client"][0]] += 1
        return usage

    monkeypatch.setattr(limits, "_WINDOW", WINDOW)
    monkeypatch.setattr(limits.RateLimiter, "use", by_client)
    sandbox.settings.requests_per_minute = ALLOWED
    return admitted


@pytest.mark.slow
def test_three_run_processes_at_once_share_one_rate_limit_and_lose_nothing(
    environment, sandbox, lake, one_allowance
):
    days = [DAY - timedelta(days=age) for age in range(3)]
    runs = [
        subprocess.Popen([sys.executable, "-c", RUN, str(day)], stderr=subprocess.DEVNULL) for day in days
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    for day in days:
        assert records_in(lake.table(day)) == held(sandbox, "query", day)
    statuses = Counter(request.status for request in sandbox.requests if request.path.startswith("/api/"))
    assert set(statuses) <= {200, 429}
    assert statuses[200] > 2 * ALLOWED
    assert max(one_allowance.values()) <= ALLOWED
    # Each process learns from its answers how much is left for all: few requests are sent in vain.
    assert statuses[429] < statuses[200] / 4


def test_a_range_in_one_run_and_a_run_per_day_write_the_same_objects(export, lake):
    days = [DAY - timedelta(days=1), DAY]
    assert export(*days, source="job").success
    in_one_run = [lake.bytes(day) for day in days]
    lake.clear()
    for day in days:
        assert export(day, source="job").success
    assert [lake.bytes(day) for day in days] == in_one_run


@pytest.mark.slow
def test_a_range_from_the_command_line_is_one_run_where_runs_may_take_all_days(
    environment, sandbox, lake, tmp_path
):
    days = [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]
    environment.setenv("GENESYS_DAYS_PER_RUN", "all")
    environment.setenv("DAGSTER_HOME", str(tmp_path))
    assets = "key:conversation_details or key:conversations"
    command = ["dg", "launch", "--assets", assets, "--partition-range", f"{days[0]}...{days[-1]}"]
    subprocess.run([BIN / command[0], *command[1:]], cwd=PROJECT, check=True, capture_output=True)
    for day in days:
        assert records_in(lake.table(day)) == held(sandbox, "job", day)
        assert len(lake.table_of("conversations", day)) == len(lake.table(day))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert len(instance.get_runs()) == 1
