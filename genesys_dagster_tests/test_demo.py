"""Which days the demo exports by itself, and what it says at its end."""

import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from genesys_dagster.definitions import defs
from genesys_dagster.demo.closing import while_served, without_ui
from genesys_dagster.demo.environment import lag
from genesys_dagster.demo.plan import days_with_a_week, plan

MONDAY = date(2026, 11, 16)


@pytest.mark.parametrize("weekday", range(7))
def test_the_demo_covers_a_whole_week_whatever_day_it_is(weekday):
    today = MONDAY + timedelta(days=weekday)
    days = days_with_a_week(today)
    assert "queue_performance_weekly" in weekly(today, days)
    assert "queue_performance_weekly" not in weekly(today, days - 1)
    assert 7 <= days <= 13


def weekly(today, days):
    runs = plan(defs.resolve_asset_graph(), [today - timedelta(days=back) for back in range(days, 0, -1)])
    return {key.to_user_string() for run in runs for key in run.assets}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A copy of a lake below the working folder, with a day of one queue."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".demo" / "lake" / "genesys"
    day = folder / "queue_performance" / "date=2026-11-16"
    day.mkdir(parents=True)
    duckdb.sql(
        "SELECT 'Billing' AS queue_name, 8 AS offered, 6 AS answered_in_target, 8 AS service_level_base"
    ).write_parquet(str(day / "data.parquet"))
    return folder


def test_the_sql_of_the_last_lines_runs_as_it_is(lake):
    (command,) = re.findall(r"SQL +(.+)", without_ui(lake))
    done = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)
    assert "Billing" in done.stdout
    assert "75" in done.stdout


def test_files_are_named_as_one_types_them_here(lake):
    assert re.search(r"Report +\.demo/lake/genesys/contact_center_report/report\.html", without_ui(lake))


def test_the_last_lines_name_what_to_open_in_order_and_how_to_stop(lake):
    environment = SimpleNamespace(
        api_url="http://org", prefix="genesys", s3=SimpleNamespace(url="http://s3", bucket="b"), state=Path()
    )
    text = while_served(environment, "http://ui", lake)
    places = [
        "http://ui/assets/conversation_details",
        "http://ui/asset-groups",
        "http://s3/b/genesys/contact_center_report/report.html",
        "import duckdb",
        "Ctrl-C",
    ]
    found = [text.index(place) for place in places]
    assert found == sorted(found)


@pytest.mark.parametrize(("hour", "hours"), [(0, 0), (3, 3), (6, 6), (23, 6)])
def test_yesterday_is_there_in_full_at_any_hour_of_the_demo(hour, hours):
    now = datetime(2026, 5, 14, hour, tzinfo=UTC)
    assert lag(now) == timedelta(hours=hours)
