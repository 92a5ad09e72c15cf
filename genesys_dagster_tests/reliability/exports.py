"""One export of a day as a user's deployment runs it, on a lake in memory, and what came of it."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Self
from unittest import mock

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
from dagster_aws.s3 import S3Resource

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.default_org import conversation_details, late_activity
from genesys_dagster_tests.reliability.memory_s3 import MemoryS3
from genesys_dagster_tests.reliability.org import DAY, PAGE
from genesys_dagster_tests.reliability.server import Server
from genesys_dagster_tests.reliability.time import Hurried

BUCKET = "lake"
SECRET = "s3cr3t-of-the-client"
PATIENCE = 10 * 3600.0  # s that a run may wait in all
_LONGEST_SENTENCE = 900
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
DETAILS, SWEEP = "conversation_details", "late_activity"


class _Bench:
    """What the runs of a test share; outside of the resources, which Dagster copies."""

    server: Server
    clock: Hurried
    lake: S3ParquetIOManager
    genesys: GenesysResource
    timeout: float = 10.0


Bench = _Bench()


class HurriedResource(GenesysResource):
    """The user's resource on the test's server, with waits that take no time."""

    def client(self) -> GenesysClient:
        settings = replace(
            self.settings(), initial_backoff=0.001, max_backoff=0.002, request_timeout=Bench.timeout, connect_timeout=Bench.timeout
        )  # fmt: skip
        return GenesysClient(settings, transport=Bench.server.transport(), clock=Bench.clock)


def resource(source: str, **settings: Any) -> HurriedResource:
    url = Bench.server.url
    usual = {"max_attempts": 3, "requests_per_minute": 100_000, "max_concurrency": 3}
    return HurriedResource(
        client_id="client", client_secret=SECRET, api_url=url, login_url=url, source=source, query_page_size=PAGE,
        job_page_size=PAGE, **usual | settings,
    )  # fmt: skip


def manager(client: Any, **settings: Any) -> S3ParquetIOManager:
    """The user's IO manager on a client of the test's."""
    made = S3ParquetIOManager(s3=S3Resource(), bucket=BUCKET, prefix="genesys", **settings)
    made._client = client
    return made


@dataclass
class Ran:
    """What one run did.

    Attributes:
        success: Whether it succeeded.
        message: The one message of the failed step.
        metadata: Of the materialization.
        strange: What stood there instead of a failure with a sentence.
    """

    success: bool
    message: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    strange: str = ""

    def fault_of_words(self) -> str | None:
        """What is wrong with the message of a failed run, if anything."""
        if self.success:
            return None
        text = self.message.strip()
        if self.strange:
            return self.strange
        if not text or len(text) > _LONGEST_SENTENCE or "\n" in text:
            return f"not one sentence: {text!r}"
        if re.search(r"Traceback|object at 0x|\bNone \b|Exceeded max_retries", text) or SECRET in text:
            return f"not for people: {text!r}"
        return None


def run(asset: str, instance: dg.DagsterInstance, day: str = str(DAY), **config: Any) -> Ran:
    """Materialize one partition of an asset with what stands on the bench."""
    result = job(asset).execute_in_process(
        instance=instance, partition_key=day, raise_on_error=False,
        run_config=QUIET | ({"ops": {asset: {"config": config}}} if config else {}),
    )  # fmt: skip
    return outcome(result)


def outcome(result: dg.ExecuteInProcessResult) -> Ran:
    """What a run of one step did, as a person sees it."""
    if result.success:
        (done,) = result.get_asset_materialization_events()
        return Ran(True, metadata=dict(done.materialization.metadata))
    failures = result.filter_events(lambda event: event.is_step_failure)
    if not failures:
        events = [event.message or "" for event in result.all_events]
        return Ran(False, strange=f"the run failed without a failed step: {events[-2:]}")
    said = failures[0].step_failure_data
    if said.user_failure_data is None:
        error = said.error
        return Ran(
            False, strange=f"a stack trace: {error.to_string().strip()[-600:] if error else 'nothing'}"
        )
    return Ran(False, said.user_failure_data.description or "")


@cache
def job(asset: str) -> dg.JobDefinition:
    @dg.resource
    def genesys(_: object) -> GenesysResource:
        return Bench.genesys

    @dg.io_manager
    def lake(_: object) -> S3ParquetIOManager:
        return Bench.lake

    return dg.Definitions(
        assets=[conversation_details, late_activity],
        resources={"genesys": genesys, "s3_parquet_io_manager": lake},
        jobs=[dg.define_asset_job("one", selection=asset)],
        executor=dg.in_process_executor,
    ).resolve_job_def("one")


def object_key(asset: str, day: str = str(DAY)) -> str:
    return f"genesys/{asset}/date={day}/data.parquet"


def table(body: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(body)).sort_by("conversationId")


def stored(client: MemoryS3, asset: str, day: str = str(DAY)) -> bytes | None:
    found = client.objects.get(object_key(asset, day))
    return found.body if found else None


class Memory:
    """What the instance's key-value store is told: the jobs that are remembered stand there."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.values: dict[str, str] = {}
        self._storage = instance.run_storage
        self._write = self._storage.set_cursor_values

    def __enter__(self) -> Self:
        self._storage.set_cursor_values = self._note  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        del self._storage.set_cursor_values

    def _note(self, pairs: Any) -> None:
        self.values.update(pairs)
        self._write(pairs)

    def forget(self) -> None:
        """Empty everything that was noted."""
        for key, value in self.values.items():
            if value:
                self._write({key: ""})
        self.values.clear()

    def knows(self, job: str) -> bool:
        return any(f'"{job}"' in value for value in self.values.values())


@contextmanager
def benched(server: Server) -> Iterator[None]:
    """Put a server on the bench, and let Dagster try again at once."""
    Bench.server, Bench.clock = server, Hurried(PATIENCE)
    with ExitStack() as patched:
        for policy in (dg.RetryPolicy, *dg.RetryPolicy.__subclasses__()):
            patched.enter_context(
                mock.patch.object(policy, "calculate_delay", _at_once(policy.calculate_delay))
            )
        yield


def _at_once(calculate: Callable[..., float]) -> Callable[..., float]:
    """A delay that is asked for, since a policy may have its say then, and not waited for."""

    def no_delay(policy: dg.RetryPolicy, attempt: int) -> float:
        calculate(policy, attempt)
        return 0.0

    return no_delay
