"""The asset tells automation what it needs to know."""

from datetime import timedelta

from genesys_dagster_tests.conftest import DAY, NOW


def test_a_pull_tells_up_to_when_it_knows_everything(export, sandbox):
    sandbox.settings.availability = NOW - timedelta(hours=3)
    assert export(source="query").metadata["known_until"] > NOW.timestamp()
    assert export(source="job").metadata["known_until"] == (NOW - timedelta(hours=3)).timestamp()


def test_a_pull_tells_what_it_changed(export, sandbox, lake):
    first = export(source="job").metadata
    assert not {"rows_added", "rows_changed", "rows_removed"} & set(first)
    again = export(source="job").metadata
    assert (again["rows_added"], again["rows_changed"], again["rows_removed"]) == (0, 0, 0)
    before = {row["conversationId"]: row for row in sandbox.org.day(DAY, sandbox.settings.watermark)}
    sandbox.settings.now = lambda: NOW + timedelta(days=5)
    after = {row["conversationId"]: row for row in sandbox.org.day(DAY, sandbox.settings.watermark)}
    changed = sum(before[key] != after[key] for key in before)
    later = export(source="job").metadata
    assert (later["rows_added"], later["rows_changed"], later["rows_removed"]) == (0, changed, 0)
    assert changed > 5


def test_a_day_in_slices_is_the_same_object(export, sandbox, lake):
    assert export(source="job").success
    whole = lake.bytes()
    sandbox.requests.clear()
    assert export(source="job", job_slices=6).success
    assert lake.bytes() == whole
    submitted = [r for r in sandbox.requests if r.method == "POST" and r.path.endswith("/jobs")]
    assert len(submitted) == 6
    assert sandbox.jobs == {}
