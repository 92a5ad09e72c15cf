"""The asset and the IO manager without Dagster's machinery, so that thousands of writes take a minute."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import dagster as dg
import duckdb
import pyarrow as pa

from genesys_dagster.assets import conversation_details as asset
from genesys_dagster.assets import update
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.extract.export import ExportReport
from genesys_dagster.genesys.errors import DataNotAvailableError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.select import Selection
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.default_org import ASSET_KEY, LATE_ACTIVITY

_RESOURCE = GenesysResource()
_PARTICIPANT = CONVERSATION_SCHEMA.field("participants").type.value_type
_FEW = {"conversationId", "conversationStart", "conversationEnd", "externalTag"}
# The rules are the same whatever the width of a row, and most of the hundreds of columns would be empty.
SCHEMA = pa.schema(
    [
        *(field for field in CONVERSATION_SCHEMA if field.name in _FEW),
        pa.field(
            "participants",
            pa.list_(pa.struct([_PARTICIPANT.field(name) for name in ("participantId", "attributes")])),
        ),
    ]
)
_LOG = logging.getLogger("genesys_dagster_tests.light")


class Instance:
    """What the asset asks of Dagster's instance, in two dicts."""

    def __init__(self) -> None:
        self.materialized: dict[tuple[dg.AssetKey, str], Any] = {}
        self.values: dict[str, str] = {}
        self.run_storage = SimpleNamespace(
            get_cursor_values=lambda keys: {key: self.values[key] for key in keys if key in self.values},
            set_cursor_values=self.values.update,
        )

    def note(self, key: dg.AssetKey, partition: str, metadata: dict[str, Any]) -> None:
        event = dg.AssetMaterialization(key, partition=partition, metadata=metadata)
        place = len(self.materialized) + 1
        self.materialized.pop((key, partition), None)
        self.materialized[key, partition] = SimpleNamespace(
            asset_materialization=event,
            partition_key=partition,
            storage_id=place,
            timestamp=datetime.now(UTC).timestamp(),
        )

    def get_latest_storage_id_by_partition(
        self, key: dg.AssetKey, _: Any, partitions: set[str]
    ) -> dict[str, int]:
        return {
            day: record.storage_id
            for (of, day), record in self.materialized.items()
            if of == key and day in partitions
        }

    def fetch_materializations(self, wanted: Any, limit: int) -> Any:
        days = self.materialized.items()
        return SimpleNamespace(
            records=[
                r for (of, _), r in days if of == wanted.asset_key and r.storage_id in wanted.storage_ids
            ]
        )

    def get_materialized_partitions(self, key: dg.AssetKey) -> set[str]:
        return {day for of, day in self.materialized if of == key}


@dataclass
class Answer:
    """What Genesys Cloud would answer to one pull.

    Attributes:
        rows: The conversations, as rows of the schema.
        source: Where from.
        announced: How many it says there are.
        known_until: What happened before this instant is in the rows.
        is_available: Whether the watermark has passed the window's end.
    """

    rows: list[dict[str, Any]]
    source: str
    announced: int | None
    known_until: datetime
    is_available: bool = True


@dataclass
class Genesys:
    """Takes the resource's place: `export` gives the answers that are made when it is called."""

    job: Callable[[], Answer]
    query: Callable[[], Answer]
    source: str = "auto"

    def commit_policy(self, **options: Any) -> Any:
        return _RESOURCE.commit_policy(**options)

    def export(self, window: Interval, *_: Any, may_query: bool = True, **__: Any) -> "Export":
        # As the asset does: Genesys Cloud is asked after the stored version was opened.
        job = self.job()
        if self.source == "query" or (self.source == "auto" and not job.is_available and may_query):
            return Export(window, self.query())
        if not job.is_available:
            raise DataNotAvailableError("the watermark has not passed the day yet")
        return Export(window, job)


class Export:
    """An export of prepared rows."""

    def __init__(self, window: Interval, answer: Answer) -> None:
        self._answer, self._selection = answer, Selection(window.start, window.end)
        self.report = ExportReport()

    @contextmanager
    def batches(self) -> Iterator[Iterator[pa.RecordBatch]]:
        yield self._batches()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        answer, report, selection = self._answer, self.report, self._selection
        report.source, report.total_hits, report.known_until = (
            answer.source,
            answer.announced,
            answer.known_until,
        )
        for start in range(0, len(answer.rows), 20):
            batch = pa.RecordBatch.from_pylist(answer.rows[start : start + 20], SCHEMA)
            kept = selection.keep(batch)
            if len(kept):
                yield kept
        report.rows, report.received = selection.rows, selection.received
        report.open_conversations, report.latest_end = selection.open_conversations, selection.latest_end


def pull(
    day: str,
    genesys: Genesys,
    instance: Instance,
    lake: S3ParquetIOManager,
    org: GenesysCloud,
    *,
    retry: int = 0,
    **config: Any,
) -> None:
    """Materialize a day of conversation_details once.

    Raises:
        dagster.Failure: As the asset and the IO manager.
    """
    context = SimpleNamespace(
        partition_keys=[day], instance=instance, log=_LOG, run=SimpleNamespace(run_id="run"), retry_number=retry,
        resources=SimpleNamespace(s3_parquet_io_manager=lake, genesys=genesys),
    )  # fmt: skip
    pulled = asset._day(context, org, day, asset.PullConfig(**config))
    instance.note(ASSET_KEY, day, _write(ASSET_KEY, day, pulled, lake, org))


def sweep(
    day: str, rows: list[dict[str, Any]], instance: Instance, lake: S3ParquetIOManager, org: GenesysCloud
) -> None:
    """Store what a sweep found."""
    table = pa.Table.from_pylist(rows, SCHEMA)
    instance.note(LATE_ACTIVITY, day, _write(LATE_ACTIVITY, day, FrameStream(SCHEMA, [table]), lake, org))


def _write(
    key: dg.AssetKey, day: str, value: Any, lake: S3ParquetIOManager, org: GenesysCloud
) -> dict[str, Any]:
    logged: dict[str, Any] = {}
    # Dagster's own context for tests opens an instance each time, which takes longer than all the rest.
    context: Any = SimpleNamespace(
        has_asset_partitions=True, asset_partition_keys=[day], asset_partitions_def=org.days.partitions, definition_metadata={},
        has_asset_key=True, asset_key=key, log=_LOG, add_output_metadata=logged.update, step_context=_Step(),
    )  # fmt: skip
    lake.handle_output(context, value)
    return logged


class _Step:
    """What the IO manager asks of the step."""

    def has_data_version(self, _: object) -> bool:
        return True


@contextmanager
def quick() -> Iterator[None]:
    """Small rows, and one database for all comparisons: opening one costs more than comparing."""
    shared = duckdb.connect(config={"threads": 1})
    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(duckdb, "connect", side_effect=lambda **_: shared.cursor()))
        patched.enter_context(
            mock.patch.object(asset, "CONVERSATION_COLUMNS", SimpleNamespace(schema=SCHEMA))
        )
        patched.enter_context(mock.patch.object(update, "CONVERSATION_SCHEMA", SCHEMA))
        yield
