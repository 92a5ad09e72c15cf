"""Weeks of an org's life against everything that runs by itself, and what is left to say at the end.

`python -m genesys_dagster_tests.automation.simulation 60` simulates 60 days and prints the figures.
"""

import os
import sys
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from unittest import mock

import dagster as dg

from genesys_dagster.assets import conversation_details as assets
from genesys_dagster.automation import knowledge
from genesys_dagster.automation.conditions import FOLLOW_UPSTREAM
from genesys_dagster.automation.late_activity import late_activity, refresh_late_activity
from genesys_dagster.automation.new_days import export_new_days
from genesys_dagster.automation.pulls import ASSET_KEY, latest_pulls
from genesys_dagster.automation.refresh import refresh_days
from genesys_dagster.definitions import build_definitions
from genesys_dagster.genesys.clock import SystemClock
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster.sandbox.times import day_number, from_datetime

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAG = timedelta(hours=6)
REQUESTS_PER_PULL = 6  # watermark, expected rows, submit, state, one page, delete
PLAN = timedelta(days=14)
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


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
        self.resources = build_definitions().resources
        self.cursors = {}
        self.run_keys = set()
        self.pulls = {}
        self.computed = []
        self.conditions = None
        self.defs = dg.Definitions(
            assets=[assets.conversation_details, late_activity, self._downstream()],
            jobs=[refresh_late_activity.job],
            sensors=[refresh_late_activity],
            resources=self.resources,
            executor=dg.in_process_executor,
        )

    def _downstream(self):
        @dg.asset(
            partitions_def=assets.PARTITIONS,
            deps=[assets.conversation_details],
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
            self.day(with_new_day=number < new_days, with_sweep=number < new_days or number % 2 == 0)

    def day(self, *, with_new_day, with_sweep):
        """A day's ticks: new days, the plan, the sweep and its days, the conditions."""
        if with_new_day:
            self.tick(export_new_days)
        self.tick(refresh_days)
        if with_sweep:
            self.materialize(late_activity)
            self.tick(refresh_late_activity)
        self.follow()

    def tick(self, sensor):
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor.name),
            definitions=self.defs,
            sensor_name=sensor.name,
            resources={"genesys": self.resources["genesys"]},
        ) as context:
            data = sensor.evaluate_tick(context) if sensor is refresh_late_activity else sensor(context)
        if not isinstance(data, dg.SkipReason):
            self.cursors[sensor.name] = data.cursor
        for request in getattr(data, "run_requests", None) or ():
            if request.run_key not in self.run_keys:
                self.run_keys.add(request.run_key)
                self.materialize(assets.conversation_details, request.partition_key)
                reason = request.tags["genesys/reason"]
                self.pulls.setdefault(request.partition_key, []).append((reason, self.now))

    def materialize(self, asset, day=None):
        result = dg.materialize([asset], partition_key=day, instance=self.instance, resources=self.resources)
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
        """When the org's truth about a day changed by a conversation's end or by what was attached later (ms)."""
        rows = self.sandbox.org.rows_of_day(day_number(date.fromisoformat(day)))
        return [at for row in rows for at in (row.end, *row.late)]

    def lost(self):
        """Changes older than the plan that are in no partition."""
        until = from_datetime(self.watermark - PLAN - timedelta(days=2))
        known = latest_pulls(self.instance, self.pulls)
        return [
            (day, at)
            for day in self.pulls
            for at in self.changes(day)
            if from_datetime(known[day].known_until) <= at < until
        ]

    def api_requests(self):
        return sum(request.path.startswith("/api/") for request in self.sandbox.requests)


class Impatient(SystemClock):
    """Does not wait between the polls of a job."""

    async def sleep(self, seconds):
        await super().sleep(0)


def simulated_environment(stack, conversations_per_day):
    """A small org and a lake of its own, in the environment; returns the org's server and an S3 client."""
    import boto3

    org = Org(conversations_per_day=conversations_per_day, now=lambda: FIRST)
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
    said = assets._metadata

    def with_knowledge(report):
        return {**said(report), "known_until": dg.MetadataValue.timestamp(simulation.watermark)}

    stack.enter_context(mock.patch.object(assets, "_metadata", with_knowledge))
    stack.enter_context(mock.patch("genesys_dagster.genesys.client.SystemClock", Impatient))
    simulation.run(days, new_days or days)
    return simulation, lake


def pulling_everything(days):
    """Requests of pulling the last 14 days every day."""
    return days * PLAN.days * REQUESTS_PER_PULL


def main():
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with ExitStack() as stack:
        simulation, _ = simulate(stack, days, 60)
        pulls = [reason for day in simulation.pulls.values() for reason, _ in day]
        spent, baseline = simulation.api_requests(), pulling_everything(days)
        print(f"{days} days, {len(pulls)} pulls:", {reason: pulls.count(reason) for reason in set(pulls)})
        print(f"changes lost: {len(simulation.lost())}")
        print(
            f"API requests: {spent}, {spent / baseline:.0%} of pulling the last 14 days every day ({baseline})"
        )


if __name__ == "__main__":
    main()
