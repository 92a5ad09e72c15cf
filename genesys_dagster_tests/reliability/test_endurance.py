"""Many days of an org in one process, one request in a hundred broken: all days whole, and nothing that grows."""

import gc
import os
import random
import threading
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from genesys_dagster_tests.reliability import exports, faults
from genesys_dagster_tests.reliability import org as orgs
from genesys_dagster_tests.reliability.exports import DETAILS, SWEEP, Bench
from genesys_dagster_tests.reliability.memory_s3 import MemoryS3
from genesys_dagster_tests.reliability.server import Plan, Server

pytestmark = pytest.mark.slow

DAYS = int(os.environ.get("GENESYS_TEST_DAYS", "10"))
WARM = DAYS // 3  # days until everything that is kept for good is there
PER_DAY = 90
_MOST_TRIES = 6
_MOST_MEMORY = 80 * 2**20  # bytes by which the process may grow after that; a leak of one day's rows is more
_MOST_FILES = 12


class OneInAHundred(Plan):
    """Breaks one request in a hundred, in any way that passes."""

    def __init__(self):
        super().__init__()
        self.chance = random.Random(30)
        self.seen = 0
        self.kinds = [fault for fault in faults.WIRE.values() if fault != "refused"]

    def strikes(self, place, *, is_refusal):
        self.seen += not is_refusal
        if is_refusal or self.seen % 100 != 50:
            return False
        self.fault = self.chance.choice(self.kinds)
        self.injected += 1
        return True


def _conversations(day, number):
    start = datetime.combine(day, datetime.min.time(), orgs.START.tzinfo)
    step = timedelta(hours=23) / PER_DAY
    return [
        orgs.conversation(f"e{number * PER_DAY + index:06d}", start + index * step)
        for index in range(PER_DAY)
    ]


def _footprint():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE"),
        threading.active_count(),
        len([*Path("/proc/self/fd").iterdir()]),
    )


def test_days_with_one_fault_in_a_hundred_leave_every_day_whole_and_nothing_that_grows(tmp_path):
    with Server() as server, exports.benched(server):
        lake, days = MemoryS3(), [orgs.DAY + timedelta(days=number) for number in range(DAYS)]
        plan = server.reset(OneInAHundred())
        Bench.lake, Bench.genesys = exports.manager(lake), exports.resource("job")
        instance = dg.DagsterInstance.local_temp(str(tmp_path))
        runs = 0
        for number, day in enumerate(days):
            _another_day(server.api, day, number)
            runs += _live(instance, server, [day, *days[max(0, number - 1) : number]], day)
            if number == WARM:
                before = _footprint()
        memory, threads, files = (now - then for now, then in zip(_footprint(), before, strict=True))
        assert plan.injected >= runs // 30 > 0
        for day in days:
            _whole(lake, server.api, day)
    assert memory < _MOST_MEMORY
    assert threads <= 2  # the server's own, for a connection that is about to end
    assert files < _MOST_FILES


def _another_day(api, day, number):
    """A day passes: its conversations are there, and in a few of the day before something more happens."""
    late = api.org.day[-PER_DAY::10] if number else []
    for record in late:
        record["conversationEnd"] = orgs.instant(
            datetime.combine(day, datetime.min.time(), orgs.START.tzinfo) + timedelta(hours=2)
        )
    earlier = [*api.org.day] if number else []
    api.org.day = [*earlier, *_conversations(day, number)]
    api.org.older = earlier[-PER_DAY:]
    api.org.available_until = datetime.combine(day, datetime.min.time(), orgs.START.tzinfo) + timedelta(
        days=1, hours=6
    )


def _live(instance, server, days, today):
    """What automation does in a day: the new day, the days before once more, the sweep, and what it found."""
    runs = 0
    for asset, day, config in [
        (SWEEP, today, {}), *((DETAILS, day, {}) for day in days), *((DETAILS, day, {"from_late_activity": True}) for day in days[1:]),
    ]:  # fmt: skip
        for _ in range(_MOST_TRIES):
            runs += 1
            server.requests = 0
            ran = exports.run(asset, instance, str(day), **config)
            assert ran.fault_of_words() is None
            if ran.success:
                break
        assert ran.success, ran
    return runs


def _whole(lake, api, day):
    start = orgs.instant(datetime.combine(day, datetime.min.time(), orgs.START.tzinfo))
    end = orgs.instant(datetime.combine(day + timedelta(days=1), datetime.min.time(), orgs.START.tzinfo))
    wanted = sorted(
        (record["conversationId"], record.get("conversationEnd"))
        for record in api.org.day if start <= record["conversationStart"] < end
    )  # fmt: skip
    table = exports.table(exports.stored(lake, DETAILS, str(day)))
    ends = [end and orgs.instant(end) for end in table["conversationEnd"].to_pylist()]
    assert list(zip(table["conversationId"].to_pylist(), ends, strict=True)) == wanted
