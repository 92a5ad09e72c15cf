"""The database of a Dagster of before is migrated, on Postgres: the last thing that is done to the cluster."""

import re

import pytest

from genesys_dagster_tests.production.test_backfill import ASSET

pytestmark = pytest.mark.servers

# As Dagster 1.8 left it (genesys_dagster_tests/upgrade), by Dagster's own way back.
OLD_SCHEMA = "284a732df317"
MAKE_OLDER = f"""
import dagster as dg
from dagster._core.storage.sql import get_alembic_config, run_alembic_downgrade
from dagster_postgres.run_storage import run_storage

with dg.DagsterInstance.get() as instance:
    with instance.run_storage.connect() as connection:
        run_alembic_downgrade(get_alembic_config(run_storage.__file__), connection, "{OLD_SCHEMA}")
    print(*instance.run_storage.alembic_version())
"""


def test_dagster_instance_migrate_loses_nothing_on_postgres(cluster):
    for daemon in cluster.daemons:
        daemon.stop()
    for worker in filter(lambda worker: worker.is_running, cluster.workers):
        worker.kill()  # nobody waits for what it does
    before = known(cluster)
    old, newest = cluster.run("python", "-c", MAKE_OLDER).split()
    assert old == OLD_SCHEMA != newest
    _, _, after = cluster.run("dagster", "instance", "migrate").partition("after migration")
    assert set(re.findall(r"current: (\w+)", after)) == {newest}
    assert known(cluster) == before


def known(cluster):
    """What the UI shows of days, runs and ticks."""
    return cluster.web.materialized(ASSET), cluster.web.runs(), cluster.web.ticks("export_new_days")
