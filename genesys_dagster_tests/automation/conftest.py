"""An instance with a history, and ticks of sensors and schedules in it."""

import functools
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable

from genesys_dagster.automation import knowledge
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.default_org import ASSET_KEY, ORG, schedules, sensors


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def around(hours):
    """These hours and those right before: who asks at another one asks before its time or not in time."""
    return sorted({hour - age for hour in hours for age in (0, 1)} - {-1})


def day_of(request):
    return request.partition_key or request.tags["dagster/partition"]


class Desk:
    """Ticks sensors and schedules against the sandbox as the daemon does, and remembers what they remember."""

    def __init__(self, instance, sandbox):
        self.instance, self.sandbox = instance, sandbox
        self.org = ORG
        self.cursor = None
        self.genesys = GenesysResource()
        self.run_keys = set()

    @property
    def org(self):
        """Whose sensors tick; another one has others of the same names."""
        return self._org

    @org.setter
    def org(self, org):
        self._org = org
        self._sensors = functools.cache(lambda: sensors(org))
        self._schedules = functools.cache(lambda: schedules(org))

    def redefine(self, **fields):
        """Change fields of the org."""
        self.org = GenesysCloud.from_environment(**fields)

    def tick(self, sensor):
        """One tick; returns the requested runs that are new by their keys."""
        sensor = self._sensors()[sensor.name]
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"genesys": self.genesys}
        ) as context:
            result = sensor._raw_fn(context)
        self.skipped = result.skip_message if isinstance(result, dg.SkipReason) else None
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
            self.skipped = result.skip_reason.skip_message if result.skip_reason else None
        requests = [result] if isinstance(result, dg.RunRequest) else getattr(result, "run_requests", None)
        new = [request for request in requests or () if request.run_key not in self.run_keys]
        self.run_keys |= {request.run_key for request in new}
        return new

    def days(self, sensor):
        return [day_of(request) for request in self.tick(sensor)]

    def schedule(self, schedule, at):
        """One tick of a schedule; returns the request or the words of the skip."""
        with dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=at, resources={"genesys": self.genesys}
        ) as context:
            result = self._schedules()[schedule.name]._execution_fn.decorated_fn(context)
        return result.skip_message if isinstance(result, dg.SkipReason) else result

    def pulled(self, day, known_until, open_conversations=0, source="job", **metadata):
        """Let a day have been pulled."""
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                ASSET_KEY,
                partition=day,
                metadata={
                    "known_until": dg.MetadataValue.timestamp(known_until),
                    "open_conversations": open_conversations,
                    "source": source,
                    **metadata,
                },
            )
        )

    def ran(self, request, status=dg.DagsterRunStatus.FAILURE, ended=None):
        """Let a requested run have ended, at a moment of the test's clock if one is given."""
        run = dg.DagsterRun(
            job_name="export_conversation_details",
            status=status,
            tags={**request.tags, "dagster/partition": day_of(request)},
        )
        self.instance.add_run(run)
        if ended is not None:
            with self.instance.run_storage.connect() as storage:
                when = RunsTable.update().where(RunsTable.c.run_id == run.run_id)
                storage.execute(when.values(end_time=ended.timestamp()))
        return run

    @property
    def api_requests(self):
        return [request for request in self.sandbox.requests if request.path.startswith("/api/")]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


@pytest.fixture
def desk(environment, sandbox, instance):
    return Desk(instance, sandbox)


@pytest.fixture
def desk_on_disk(environment, sandbox):
    """Schedules open the instance anew, which one in memory does not allow."""
    with dg.instance_for_test() as instance:
        yield Desk(instance, sandbox)


@pytest.fixture
def clock(monkeypatch):
    """Sets the present moment of sensors."""

    def set_to(text):
        monkeypatch.setattr(knowledge, "now", lambda: utc(text))

    return set_to
