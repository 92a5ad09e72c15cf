"""Whatever happens in whatever order: the lake holds one version that was true, and never one worse than before.

120 schedules; GENESYS_TEST_SCHEDULES sets how many.
"""

import os
from contextlib import suppress
from datetime import timedelta

import dagster as dg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.extract.commit import DEFAULT_DELETIONS, DEFAULT_DELETIONS_PERCENT
from genesys_dagster_tests.reliability import exports, light
from genesys_dagster_tests.reliability.memory_s3 import MemoryS3
from genesys_dagster_tests.reliability.model import DAY, MIDNIGHT, Org

SCHEDULES = int(os.environ.get("GENESYS_TEST_SCHEDULES", "120"))
KEY = exports.object_key("conversation_details", DAY)
_FIRST = st.integers(0, 99)
ZONES = {name: GenesysCloud(start="2026-05-01", timezone=name) for name in ("UTC", "America/New_York")}


class CrashError(Exception):
    """The end of a process at a moment of a write."""


class Stored:
    """One version as it lies in the lake: conversation to version, and whether it came from a job."""

    def __init__(self, body):
        table = exports.pq.read_table(
            pa.BufferReader(body),
            columns=["conversationId", "conversationStart", "externalTag", "participants"],
        )
        rows = table.to_pylist()
        self.versions = {row["conversationId"]: int(row["externalTag"][1:]) for row in rows}
        self.starts = {row["conversationId"]: row["conversationStart"] for row in rows}
        self.is_doubled = len(rows) != len(self.versions)
        self.has_attributes = any(row["participants"][0]["attributes"] for row in rows)


class Lake(RuleBasedStateMachine):
    """One day of an org and its object."""

    @initialize(count=st.integers(0, 60), hour=st.integers(0, 23))
    def begin(self, count, hour):
        self.org, self.client, self.instance = Org(), MemoryS3(), light.Instance()
        self.lake = exports.manager(self.client, rows_per_row_group=16, preview_rows=0)
        self.zone = "UTC"
        self.true = set()  # every (conversation, version) that was ever answered
        self.stored = None
        self.org.begin(count, hour)

    # What happens at Genesys Cloud.

    @rule(count=st.integers(1, 30), hour=st.integers(0, 23))
    def conversations_appear(self, count, hour):
        self.org.begin(count, hour)

    @rule(first=_FIRST, count=st.integers(1, 10), hours=st.integers(0, 5))
    def something_happens_in_some(self, first, count, hours):
        self.org.now += timedelta(hours=hours)
        for name in self._some(first, count):
            self.org.conversations[name].changes.append(self.org.now)

    @rule(first=_FIRST, count=st.sampled_from([1, 3, 8, 40]))
    def some_are_deleted(self, first, count):
        for name in self._some(first, count):
            self.org.conversations[name].gone_at = self.org.now

    @rule(every=st.sampled_from([0, 0, 2, 3, 1]))
    def a_division_is_taken_from_the_role_or_given_back(self, every):
        self.org.hidden = every

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours):
        self.org.now += timedelta(hours=hours)

    @rule(hours=st.integers(1, 30))
    def the_watermark_moves_on(self, hours):
        self.org.watermark = min(self.org.watermark + timedelta(hours=hours), self.org.now)

    @rule(hours=st.integers(1, 30))
    def the_watermark_steps_back(self, hours):
        self.org.watermark = max(self.org.watermark - timedelta(hours=hours), MIDNIGHT)

    @rule(zone=st.sampled_from([*ZONES]))
    def the_time_zone_is_changed(self, zone):
        self.zone = zone

    # What is done about it.

    @rule(
        source=st.sampled_from(["auto", "auto", "job", "query"]),
        short=st.integers(0, 4),
        retry=st.integers(0, 2),
    )
    def pull(self, source, short, retry):
        self._attempt(lambda: self._pull(source, lost=short * 9 if short > 1 else 0, retry=retry))

    @rule(source=st.sampled_from(["auto", "query"]))
    def pull_and_accept_what_is_lost(self, source):
        self._attempt(lambda: self._pull(source, accept_loss=True), accepted=True)

    @rule(at=st.integers(1, 8), after=st.booleans())
    def pull_and_crash(self, at, after):
        self._strike(at, self._crash, after=after)
        self._attempt(lambda: self._pull("auto"))

    @rule(ahead=st.integers(0, 1))
    @precondition(lambda self: self.stored)
    def sweep(self, ahead):
        day = (self.org.watermark - timedelta(days=1 - ahead)).date()
        window = ZONES[self.zone].days.window(str(day))
        if str(day) > DAY and window.end <= self.org.watermark:
            rows = self.org.active(window.start, window.end)
            self.true |= {(row["conversationId"], int(row["externalTag"][1:])) for row in rows}
            self._attempt(lambda: light.sweep(str(day), rows, self.instance, self.lake, ZONES[self.zone]))

    @rule()
    def update(self):
        self._attempt(self._update)

    @rule(at=st.integers(1, 8))
    def update_and_crash(self, at):
        self._strike(at, self._crash, after=False)
        self._attempt(self._update)

    @rule(
        at=st.integers(1, 6),
        first=st.sampled_from(["pull", "update"]),
        other=st.sampled_from(["pull", "update"]),
        changed=_FIRST,
    )
    def two_writers_at_once(self, at, first, other, changed):
        writers = {"pull": lambda: self._pull("auto"), "update": self._update}
        overtaker = []

        def strike():
            for name in self._some(changed, 5):  # so early that jobs see it, too
                self.org.conversations[name].changes.append(min(self.org.now, self.org.watermark))
            body = self._body()
            self._run(writers[other])
            if self._body() != body:
                overtaker.append(Stored(self._body()))

        self._strike(at, strike, after=False)
        self._attempt(writers[first])
        if overtaker and self.stored:
            newer = overtaker[0].versions
            older = {name for name, version in newer.items() if self.stored.versions.get(name, -1) < version}
            assert not older, (
                f"{len(older)} conversations are older than another run had stored them meanwhile"
            )

    # What must always hold.

    @invariant()
    def nothing_but_one_whole_version_lies_there(self):
        assert not self.client.pending
        if self.stored:
            assert not self.stored.is_doubled
            untrue = {*self.stored.versions.items()} - self.true
            assert not untrue, f"rows that were never answered: {untrue}"

    def _attempt(self, work, accepted=False):
        before = self.stored
        self._run(work)
        self.client.before = self.client.after = None
        body = self._body()
        self.stored = Stored(body) if body is not None else None
        if before is None:
            return
        assert self.stored is not None, "the object is gone"
        if accepted:
            return
        window = ZONES[self.zone].days.window(DAY)
        old = {name for name in before.versions if window.start <= before.starts[name] < window.end}
        lost = old - self.stored.versions.keys()
        allowed = max(DEFAULT_DELETIONS, int(len(old) * DEFAULT_DELETIONS_PERCENT / 100))
        assert len(lost) <= allowed, f"{len(lost)} of {len(old)} conversations are lost"
        assert not (old and lost == old), "all conversations are lost"
        assert self.stored.has_attributes or not (before.has_attributes and self.stored.versions), (
            "attributes are lost"
        )

    @staticmethod
    def _run(work):
        with suppress(dg.Failure, CrashError):
            work()

    def _pull(self, source, *, lost=0, retry=0, **config):
        window = ZONES[self.zone].days.window(DAY)
        day = timedelta(hours=24)  # the query answers with more than the window

        def job():
            answer = self._answer(
                window.start, window.end, "job", min(self.org.watermark, self.org.now), lost
            )
            answer.is_available = self.org.watermark >= window.end
            return answer

        def query():
            return self._answer(window.start - day, window.end + day, "query", self.org.now, lost)

        genesys = light.Genesys(job, query, source)
        light.pull(DAY, genesys, self.instance, self.lake, ZONES[self.zone], retry=retry, **config)

    def _answer(self, start, end, source, at, lost):
        rows = self.org.rows(start, end, at, attributes=source == "job")
        answered = rows[: len(rows) - lost] if lost else rows
        self.true |= {(row["conversationId"], int(row["externalTag"][1:])) for row in answered}
        return light.Answer(answered, source, len(rows), at)

    def _update(self):
        self._pull("auto", from_late_activity=True)  # a day that cannot be updated is pulled

    def _strike(self, at, what, *, after):
        calls = []

        def hook(name, _):
            calls.append(name)
            if len(calls) == at:
                self.client.before = self.client.after = None
                what()

        self.client.before, self.client.after = (None, hook) if after else (hook, None)

    @staticmethod
    def _crash():
        raise CrashError

    def _some(self, first, count):
        alive = self.org.alive()
        return alive[first % len(alive) :][:count] if alive else []

    def _body(self):
        found = self.client.objects.get(KEY)
        return found.body if found else None


@pytest.fixture
def quick():
    with light.quick():
        yield


@pytest.mark.slow
def test_the_lake_never_gets_worse_whatever_the_order(quick):
    run_state_machine_as_test(
        Lake,
        settings=settings(
            max_examples=SCHEDULES, stateful_step_count=12, deadline=None, derandomize=SCHEDULES == 120,
            suppress_health_check=[*HealthCheck], print_blob=True,
        ),
    )  # fmt: skip
