"""Weeks of an org's life against everything that runs by itself, and what is left to say at the end.

`python -m genesys_dagster_tests.automation.simulation 60` simulates 60 days and prints the figures.
"""

import os
import statistics
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from unittest import mock

import dagster as dg

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM
from genesys_dagster.automation import knowledge
from genesys_dagster.genesys.clock import SystemClock
from genesys_dagster.memory.pulls import latest_pulls
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.times import day_number, to_datetime
from genesys_dagster_tests.default_org import (
    ASSET_KEY,
    ORG,
    PARTITIONS,
    UPDATE_JOB,
    conversation_details,
    end_of,
    ended_by,
    export_new_days,
    late_activity,
    refresh_days,
    resources_of,
    sweep_late_activity_daily,
    update_from_late_activity,
)

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAG = timedelta(hours=6)
REQUESTS_PER_PULL = 6  # watermark, expected rows, submit, state, one page, delete
PLAN = timedelta(days=14)
MILLISECOND = timedelta(milliseconds=1)
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


class Entry(NamedTuple):
    """One pull or update of a day, and what the partition held then."""

    reason: str
    at: datetime
    known_until: datetime
    active_until: datetime


class Change(NamedTuple):
    """A change of the org's truth; covered, if attached to a conversation soon enough after its end for the plan."""

    day: str
    at: datetime
    is_end: bool
    is_covered: bool = True


class Simulation:
    """An org, a lake, a Dagster instance and a clock that all of them obey.

    Args:
        sandbox: The org's server.
        instance: The Dagster instance.
        bucket: A function from day to the Parquet object's bytes.
    """

    def __init__(self, sandbox, instance):
        self.sandbox, self.instance = sandbox, instance
        self.now = FIRST
        sandbox.settings.now = self.present
        sandbox.settings.availability = LAG
        sandbox.settings.requests_per_minute = 1_000_000
        self.resources = resources_of()
        self.cursors = {}
        self.run_keys = set()
        self.pulls = {}
        self.computed = []
        self.conditions = None
        self.defs = dg.Definitions(
            assets=[conversation_details, late_activity, self._downstream()],
            resources=self.resources,
            executor=dg.in_process_executor,
        )

    def _downstream(self):
        @dg.asset(
            partitions_def=PARTITIONS,
            deps=[conversation_details],
            automation_condition=FOLLOW_UPSTREAM,
        )
        def table(context):
            self.computed.append((context.partition_key, self.data_version(context.partition_key)))

        return table

    def present(self):
        return self.now

    @property
    def watermark(self):
        return self.now - LAG

    def run(self, days, new_days):
        for number in range(days):
            self.now += timedelta(days=1)
            self.day(with_new_day=number < new_days)

    def day(self, *, with_new_day):
        """A day's ticks: new days and their sweep, the plan, what the sweep found, the conditions.

        Without new days the sweeps go on, so that the days that there are stay up to date.
        """
        if with_new_day:
            self.tick(export_new_days)
            self.tick(sweep_late_activity_daily)
        else:
            self.materialize(late_activity, ended_by(self.watermark)[-1])
        self.tick(update_from_late_activity)
        self.tick(refresh_days)
        self.follow()

    def tick(self, sensor):
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor.name),
            definitions=self.defs,
            sensor_name=sensor.name,
            resources={"genesys": self.resources["genesys"]},
        ) as context:
            data = sensor._raw_fn(context)
        if isinstance(data, dg.SensorResult):
            self.cursors[sensor.name] = data.cursor
        requests = [data] if isinstance(data, dg.RunRequest) else getattr(data, "run_requests", None) or ()
        for request in requests:
            if request.run_key not in self.run_keys:
                self.run_keys.add(request.run_key)
                self.carry_out(request)

    def carry_out(self, request):
        day = request.partition_key
        reason = request.tags.get("genesys/reason")
        if reason == "sweep":
            self.materialize(late_activity, day)
            return
        self.materialize(conversation_details, day, UPDATE_JOB.config if reason == "late activity" else None)
        pull = latest_pulls(self.instance, ORG, [day])[day]
        entry = Entry(reason, self.now, pull.known_until, pull.active_until)
        self.pulls.setdefault(day, []).append(entry)

    def materialize(self, asset, day, run_config=None):
        result = dg.materialize(
            [asset],
            partition_key=day,
            instance=self.instance,
            resources=self.resources,
            run_config={**QUIET, **(run_config or {})},
        )
        assert result.success

    def follow(self):
        evaluated = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.conditions)
        self.conditions = evaluated.cursor
        for day in sorted(evaluated.get_requested_partitions(dg.AssetKey("table"))):
            self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
                asset_selection=[dg.AssetKey("table")],
                partition_key=day,
                instance=self.instance,
                run_config=QUIET,
            )

    def data_version(self, day):
        record = self.instance.get_latest_data_version_record(ASSET_KEY, partition_key=day)
        return record.asset_materialization.tags["dagster/data_version"]

    # What is left to say at the end

    def changes(self, day):
        """When the org's truth about a day changed: conversations' ends, and what was attached later."""
        for row in self.sandbox.org.rows_of_day(day_number(date.fromisoformat(day))):
            yield Change(day, to_datetime(row.end), is_end=True)
            for at in row.late:
                yield Change(day, to_datetime(at), is_end=False, is_covered=at < row.end + PLAN / MILLISECOND)

    def lost(self):
        """Changes that are in no partition, although a sweep should have brought them or the plan never will."""
        return [
            change
            for day in self.pulls
            for change in self.changes(day)
            if self.known_at(change) is None and (self.is_overdue(change) or self.is_given_up(change))
        ]

    def known_at(self, change):
        """When the lake learned of a change; None if it has not."""
        for pull in self.pulls[change.day]:
            if change.at < (pull.active_until if change.is_end else pull.known_until):
                return pull.at
        return None

    def is_overdue(self, change):
        return change.is_end and change.at < self.watermark - timedelta(days=2)

    def is_given_up(self, change):
        pull = latest_pulls(self.instance, ORG, [change.day])[change.day]
        end = end_of(change.day)
        is_settled = ORG.plan.is_settled(end, pull.known_until, pull.open_conversations, pull.latest_end)
        return change.is_covered and ORG.plan.is_over(end, pull.known_until, is_settled)

    def delays(self, *, of_ends):
        """How long the lake took to learn of what happened more than a day after the day had ended."""
        changes = (change for day in self.pulls for change in self.changes(day))
        late = [c for c in changes if c.is_end is of_ends and c.at > end_of(c.day) + timedelta(days=1)]
        return sorted(known - change.at for change in late if (known := self.known_at(change)))

    def api_requests(self):
        return sum(request.path.startswith("/api/") for request in self.sandbox.requests)


class Impatient(SystemClock):
    """Does not wait between the polls of a job, nor for the rate limit: it moves on."""

    def __init__(self):
        self.skipped = 0.0

    def monotonic(self):
        return super().monotonic() + self.skipped

    async def sleep(self, seconds):
        self.skipped += seconds
        await super().sleep(0)


def simulated_environment(stack, conversations_per_day):
    """A small org and a lake of its own, in the environment; returns the org's server and an S3 client."""
    import boto3

    org = Org(conversations_per_day=conversations_per_day, now=lambda: FIRST, reprocessed=0.05)
    sandbox, s3 = stack.enter_context(SandboxServer(org)), stack.enter_context(S3Server("simulated-lake"))
    variables = {**sandbox.env(), **s3.env(), "GENESYS_S3_BUCKET": s3.bucket}
    stack.enter_context(mock.patch.dict(os.environ, variables))
    credentials = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    return sandbox, boto3.Session().client("s3", endpoint_url=s3.url, **credentials)


def simulate(stack, days, conversations_per_day, new_days=None):
    """Run a simulation, with new days only at first if wished; returns it and the lake's client."""
    sandbox, lake = simulated_environment(stack, conversations_per_day)
    instance = stack.enter_context(dg.DagsterInstance.ephemeral())
    simulation = Simulation(sandbox, instance)
    stack.enter_context(mock.patch.object(knowledge, "now", simulation.present))
    stack.enter_context(mock.patch("genesys_dagster.genesys.client.SYSTEM_CLOCK", Impatient()))
    simulation.run(days, new_days or days)
    return simulation, lake


def pulling_everything(days):
    """Requests of pulling the last 14 days every day."""
    return days * PLAN.days * REQUESTS_PER_PULL


def main():
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with ExitStack() as stack:
        simulation, _ = simulate(stack, days, 60)
        reasons = Counter(pull.reason for pulls in simulation.pulls.values() for pull in pulls)
        spent, baseline = simulation.api_requests(), pulling_everything(days)
        print(f"{days} days, pulls and updates:", dict(reasons))
        print(f"changes lost: {len(simulation.lost())}")
        for name, of_ends in (("late ends", True), ("late evaluations and surveys", False)):
            delays = simulation.delays(of_ends=of_ends)
            print(f"{len(delays)} {name}, known after {statistics.median(delays)}, at most {delays[-1]}")
        print(
            f"API requests: {spent}, {spent / baseline:.0%} of pulling the last 14 days every day ({baseline})"
        )


if __name__ == "__main__":
    main()
