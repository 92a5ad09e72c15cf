"""What the instance remembers of pulls and sweeps is read without reading all of it."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from genesys_dagster.memory.pulls import latest_pulls, sweeps_naming
from genesys_dagster_tests.default_org import ASSET_KEY, LATE_ACTIVITY, ORG

DAY = "2026-04-01"


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


def materialized(instance, asset, day, **metadata):
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=day, metadata=metadata))


def test_no_days_are_no_days_and_not_all_of_history(instance, monkeypatch):
    materialized(instance, ASSET_KEY, DAY)
    monkeypatch.setattr(dg.DagsterInstance, "fetch_materializations", None)
    monkeypatch.setattr(dg.DagsterInstance, "get_latest_storage_id_by_partition", None)
    assert latest_pulls(instance, ORG, []) == {}
    assert latest_pulls(instance, ORG, iter([])) == {}


def test_more_days_than_a_database_takes_at_once_are_read(instance):
    materialized(instance, ASSET_KEY, DAY)
    assert list(latest_pulls(instance, ORG, [DAY, *map(str, range(1_500))])) == [DAY]


@pytest.mark.parametrize(
    ("metadata", "missing", "is_complete", "covers", "covers_without_jobs"),
    [
        ({"source": "job"}, 0, True, True, True),
        ({"source": "job", "announced_missing": 0}, 0, True, True, True),
        ({"source": "job", "announced_missing": 7}, 7, False, False, False),
        ({"source": "query"}, 0, False, False, True),
        ({"source": "query", "announced_missing": 7}, 7, False, False, False),
        ({}, 0, False, False, True),
    ],
)
def test_a_pull_tells_whether_it_is_whole(
    instance, metadata, missing, is_complete, covers, covers_without_jobs
):
    materialized(instance, ASSET_KEY, DAY, **metadata)
    pull = latest_pulls(instance, ORG, [DAY])[DAY]
    assert (pull.missing, pull.is_complete) == (missing, is_complete)
    end = datetime(2026, 4, 2, tzinfo=UTC)
    assert pull.covers(end, has_jobs=True) is covers
    assert pull.covers(end, has_jobs=False) is covers_without_jobs
    assert not pull.covers(datetime(2036, 4, 2, tzinfo=UTC), has_jobs=True)


def test_exactly_the_sweeps_are_found_that_name_a_day_and_came_later(instance):
    for day, found in [
        ("2026-04-01", DAY),
        ("2026-04-05", DAY),
        ("2026-04-06", "2026-03-01"),
        ("2026-04-07", DAY),
    ]:
        materialized(instance, LATE_ACTIVITY, day, days=dg.MetadataValue.json({found: 1}))
    materialized(instance, LATE_ACTIVITY, "2026-04-08")  # one that does not say
    materialized(instance, LATE_ACTIVITY, "not-a-day")
    assert sweeps_naming(instance, ORG, DAY, datetime(2026, 4, 2, tzinfo=UTC)) == [
        "2026-04-05",
        "2026-04-07",
        "2026-04-08",
    ]
    assert sweeps_naming(instance, ORG, DAY, datetime(2026, 4, 6, tzinfo=UTC)) == ["2026-04-07", "2026-04-08"]
    assert sweeps_naming(instance, ORG, DAY, datetime(2026, 4, 9, tzinfo=UTC)) == []


def test_a_sweep_that_was_repeated_counts_as_it_was_last(instance):
    materialized(instance, LATE_ACTIVITY, "2026-04-05", days=dg.MetadataValue.json({DAY: 1}))
    materialized(instance, LATE_ACTIVITY, "2026-04-05", days=dg.MetadataValue.json({}))
    assert sweeps_naming(instance, ORG, DAY, datetime(2026, 4, 2, tzinfo=UTC)) == []
