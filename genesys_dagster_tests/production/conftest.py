"""One cluster for all tests of the room, which come in the order of their files: it takes half a minute to start."""

import os
from datetime import timedelta

import pytest

PROGRAMS = "GENESYS_TEST_PRODUCTION"
"""The variable that says where the programs of a deployment lie; without it nothing is collected here."""

collect_ignore_glob = [] if os.environ.get(PROGRAMS) else ["test_*.py"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    from genesys_dagster.sandbox.settings import SandboxSettings
    from genesys_dagster_tests.production.cluster import Cluster

    folder = tmp_path_factory.getbasetemp().parent / tmp_path_factory.mktemp("cluster")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)  # Postgres is another user
    settings = SandboxSettings(availability=timedelta(0), user_availability=timedelta(0))
    # Most of what a backfill takes here are the starts of its runs.
    few = {"GENESYS_DAYS_PER_RUN": "3"}
    with Cluster(folder, os.environ[PROGRAMS], pool=2, settings=settings, **few) as cluster:
        yield cluster
