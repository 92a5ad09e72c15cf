"""kill -9 at any moment: the old object or the new one, never another, and what is left behind is found."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pytest

from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake import housekeeping
from genesys_dagster.memory.job_ledger import Place, entries
from genesys_dagster_tests.default_org import ORG
from genesys_dagster_tests.reliability import exports
from genesys_dagster_tests.reliability import org as orgs
from genesys_dagster_tests.reliability.exports import BUCKET, DETAILS, Bench
from genesys_dagster_tests.reliability.s3_matrix import stores
from genesys_dagster_tests.reliability.server import Server
from genesys_dagster_tests.reliability.zygote import lake

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("GENESYS_TEST_KILLS", "24"))
KEY = exports.object_key(DETAILS)


class Exporter:
    """Exports in processes of their own."""

    def __init__(self, server, proxy, home):
        command = [
            sys.executable,
            "-m",
            "genesys_dagster_tests.reliability.zygote",
            server.url,
            proxy.url,
            home,
        ]
        self._zygote = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def _line(self):
        return self._zygote.stdout.readline().strip()

    def start(self):
        self._zygote.stdin.write("\n")
        self._zygote.stdin.flush()
        return int(self._line())

    def wait(self):
        return int(self._line())

    def close(self):
        self._zygote.stdin.close()
        self._zygote.wait(30)


@pytest.fixture
def ground(tmp_path):
    with Server() as server, exports.benched(server), stores() as store:
        Bench.lake, Bench.genesys = lake(store.proxy.url), exports.resource("job")
        instance = dg.DagsterInstance.local_temp(str(tmp_path))
        server.api.org = orgs.before()
        assert exports.run(DETAILS, instance).success
        server.reset()
        exporter = Exporter(server, store.proxy, str(tmp_path))
        yield server, store, instance, exporter
        exporter.close()


def test_a_killed_export_leaves_the_old_object_or_the_new_one_and_nothing_that_is_not_found(ground):
    server, store, instance, exporter = ground
    old = store.admin.get_object(Bucket=BUCKET, Key=KEY)
    before, metadata = old["Body"].read(), old["Metadata"]
    started = time.monotonic()
    exporter.start()
    assert exporter.wait() == 0
    takes = time.monotonic() - started
    new = _table(store)
    moments, found = random.Random(9), {"old": 0, "new": 0, "uploads": 0, "jobs": 0}
    for number in range(KILLS):
        store.admin.put_object(Bucket=BUCKET, Key=KEY, Body=before, Metadata=metadata)
        pid = exporter.start()
        timer = threading.Timer(takes * (number + moments.random()) / KILLS, _kill, [pid])
        timer.start()
        exporter.wait()
        timer.cancel()
        body = store.admin.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        found["old" if body == before else "new"] += 1
        assert body == before or _table(store).equals(new), (
            f"kill {number}: neither the old object nor the new one"
        )
        found["uploads"] += _clean_up(store)
        found["jobs"] += _forgotten(server, instance)
    assert found["old"] >= KILLS // 4  # else the kills came too late to prove anything
    # Killed between Genesys's answer and the note of it, a job is known to nobody; it expires by itself.
    assert found["jobs"] <= max(2, KILLS // 10)


def _kill(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _table(store):
    body = store.admin.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    return exports.pq.read_table(pa.BufferReader(body)).sort_by("conversationId")


def _clean_up(store):
    """Abort what housekeeping finds; returns how many uploads that were."""
    client = store.clients[20.0]
    left = list(
        housekeeping.stale_uploads(client, BUCKET, "genesys", now=datetime.now(UTC) + timedelta(days=2))
    )
    assert len(left) == len(store.uploads())
    for upload in left:
        housekeeping.abort(client, BUCKET, upload)
    assert store.uploads() == []
    return len(left)


def _forgotten(server, instance):
    """How many jobs are left at the server of which the instance knows nothing."""
    window = Interval(orgs.START, orgs.END)
    entry = entries(instance, ORG, [Place(window)]).get(Place(window))
    known = {job.job_id for job in [*entry.jobs.values(), *entry.left]} if entry else set()
    left = set(server.api.left()) - known
    for job in left:
        server.api.jobs[job].deleted = True
    return len(left)
