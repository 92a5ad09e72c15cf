"""Two writers of one day: whatever the order of their requests, what lies there in the end is one version, the newer."""

import copy
import threading
from datetime import timedelta

import dagster as dg
import pytest

from genesys_dagster_tests.reliability import exports
from genesys_dagster_tests.reliability import org as orgs
from genesys_dagster_tests.reliability.exports import DETAILS, SWEEP, Bench
from genesys_dagster_tests.reliability.memory_s3 import MemoryS3
from genesys_dagster_tests.reliability.server import Plan, Server

NEXT_DAY = str(orgs.DAY + timedelta(days=1))


class Scene:
    """An instance, a lake and a server; what is tried is tried on copies of the lake."""

    def __init__(self, server):
        self.server = server
        self.instance = dg.DagsterInstance.ephemeral()
        self.stand(MemoryS3())

    def stand(self, lake):
        self.lake = lake
        self.has_struck = False
        Bench.lake, Bench.genesys = exports.manager(lake), exports.resource("job")

    def run(self, org, asset=DETAILS, day=str(orgs.DAY), **config):
        self.server.api.org = org
        return exports.run(asset, self.instance, day, **config)

    def seed(self, org):
        """The version before, of which the instance is to know however often the lake is put back to it."""
        ran = self.run(org)
        assert ran.success
        self.seeded = ran.metadata

    def put_back(self, lake):
        self.stand(lake.copy())
        if lake.objects:
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(DETAILS, partition=str(orgs.DAY), metadata=self.seeded)
            )

    def table(self):
        return exports.table(exports.stored(self.lake, DETAILS))

    def calls_of(self, first):
        """How many requests to S3 a run takes."""
        calls = []
        self.lake.before = lambda name, _: calls.append(name)
        assert first().success
        return len(calls)

    def strike(self, number, other):
        """Let another run take place, whole, before the n-th request to S3."""
        seen, lock = [], threading.Lock()

        def before(name, _):
            with lock:
                seen.append(name)
                strikes = len(seen) == number
            if strikes:
                self.lake.before = None
                self.has_struck = True
                assert other().success

        self.lake.before = before


@pytest.fixture
def scene():
    with Server() as server, exports.benched(server):
        yield Scene(server)


def _race(scene, lake, first, other):
    """The first run, interrupted by the other one before each of its requests in turn; yields what came of it."""
    scene.put_back(lake)
    for number in range(1, scene.calls_of(first) + 1):
        scene.put_back(lake)
        scene.strike(number, other)
        ran = first()
        if scene.has_struck:  # some runs take fewer requests: they may be made by several threads
            yield number, ran


@pytest.mark.parametrize("is_there", [True, False], ids=["over a version", "where there was none"])
def test_an_older_pull_that_ends_later_never_replaces_a_newer_one(scene, is_there):
    lake = scene.lake
    if is_there:
        scene.seed(orgs.before())
    scene.stand(lake.copy())
    assert scene.run(orgs.now()).success
    newer = scene.table()
    for number, ran in _race(scene, lake, lambda: scene.run(orgs.before()), lambda: scene.run(orgs.now())):
        assert ran.fault_of_words() is None
        assert scene.table().equals(newer), f"struck before request {number}: {ran}"
        assert not scene.lake.pending


@pytest.mark.parametrize("place", ["submit", "results.first", "results.middle", "delete"])
def test_a_pull_during_which_another_was_stored_does_not_replace_it(scene, place):
    assert scene.run(orgs.before()).success
    scene.stand(scene.lake.copy())

    def other(answer, request, api):
        scene.server.plan.fault = None
        outcome = []
        thread = threading.Thread(target=lambda: outcome.append(scene.run(orgs.now())))
        thread.start()
        thread.join()
        assert outcome[0].success
        return answer

    scene.server.reset(Plan(place, other, times=1))
    ran = scene.run(orgs.before())
    assert ran.fault_of_words() is None
    ends = scene.table()["conversationEnd"]
    assert len(scene.table()) == orgs.CONVERSATIONS
    assert ends.null_count < len(orgs.now().day) // 10


def _ended_later():
    """The day when every tenth of its conversations has come to an end on the day after."""
    org = orgs.before()
    org.day = copy.deepcopy(org.day)
    for record in org.day[::10]:
        record["conversationEnd"] = orgs.instant(orgs.END + timedelta(hours=1))
    return org


def _sweep(scene):
    """What the sweep of the day after finds."""
    org = _ended_later()
    known = orgs.Org([], org.day[::10], available_until=orgs.END + timedelta(hours=30))
    return scene.run(known, SWEEP, NEXT_DAY)


@pytest.fixture
def swept(scene):
    scene.instance.report_runless_asset_event(dg.AssetMaterialization(SWEEP, partition=str(orgs.DAY)))
    scene.seed(orgs.before())
    assert _sweep(scene).success
    return scene


def test_an_update_during_which_a_pull_was_stored_does_not_replace_it(swept):
    pulled = _ended_later()
    pulled.day[5]["conversationEnd"] = orgs.instant(orgs.END + timedelta(hours=30))
    lake = swept.lake
    update = lambda: swept.run(orgs.Org(), from_late_activity=True)  # noqa: E731
    for number, ran in _race(swept, lake, update, lambda: swept.run(pulled)):
        assert ran.fault_of_words() is None
        ends = swept.table()["conversationEnd"].to_pylist()
        assert max(end for end in ends if end) == orgs.END + timedelta(hours=30), (
            f"before request {number}: {ran}"
        )
        assert len(ends) == len(pulled.day)


def test_an_older_pull_that_ends_after_an_update_does_not_replace_it(swept):
    lake = swept.lake
    update = lambda: swept.run(orgs.Org(), from_late_activity=True)  # noqa: E731

    def late_pull():
        return swept.run(orgs.before())

    struck = 0
    for number, ran in _race(swept, lake, late_pull, update):
        struck += 1
        assert ran.fault_of_words() is None
        ends = [end for end in swept.table()["conversationEnd"].to_pylist() if end]
        # Before its first request it is the pull that begins later.
        assert number == 1 or max(ends) == orgs.END + timedelta(hours=1), f"before request {number}: {ran}"
    assert struck > 2
