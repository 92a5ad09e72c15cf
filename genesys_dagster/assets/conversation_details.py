"""The asset `conversation_details`: one row per conversation, one partition per day."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
from pydantic import Field

from genesys_dagster.assets.define import daily
from genesys_dagster.assets.failures import as_failure
from genesys_dagster.assets.terms import Came, source_of, stored_day, terms, window_of_ended
from genesys_dagster.extract.commit import Candidate, judge
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.job_memory import Later
from genesys_dagster.lake.stream import FrameStream, Watcher
from genesys_dagster.lazy import pa, pd
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.memory.pulls import DETAILS
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.resources import GenesysResource

if TYPE_CHECKING:
    from genesys_dagster.extract.export import ConversationExport, ExportReport
    from genesys_dagster.lake.stored import StoredVersion

Watch: TypeAlias = Callable[[dg.AssetExecutionContext, str], Watcher | None]

_SECONDS_BETWEEN_PROGRESS = 10.0
_UNKNOWN_FIELDS_SHOWN = 50

DESCRIPTION = """\
Every conversation that started on the partition's day, as Genesys Cloud's analytics describes it: participants,
sessions, segments, metrics, evaluations and surveys, nested as in the API. One row per `conversationId`.

A conversation that is still open stands as it is at the time of the pull; pulling the partition again replaces it
whole, and what `late_activity` finds in its conversations is put in without a pull. Comes from the bulk job once its watermark has passed the end of the day, from the interactive query before
(then without participant attributes).
"""


class PullConfig(dg.Config):
    """How a run brings a partition."""

    from_late_activity: bool = Field(
        default=False,
        description="Put in only what `late_activity` found since the last pull, without asking Genesys Cloud. A "
        "partition that was never pulled, and a run over several, are pulled whole all the same.",
    )
    accept_loss: bool = Field(
        default=False,
        description="Commit what Genesys Cloud answers now in any case, even if the stored version has conversations that "
        "this one lacks, or is from a better source. For one partition and one run; what was accepted stands in the "
        "metadata.",
    )


def conversation_details(org: Org, watch: Watch | None = None) -> dg.AssetsDefinition:
    """The asset, for an org.

    Args:
        org: Whose.
        watch: Makes what looks at a day while it is written, by the step's context and the day.
    """
    spec = org.spec(DETAILS, deps=[org.key("genesys_cloud")], description=DESCRIPTION, code_version="1")

    @daily(org, spec, required_resource_keys={org.genesys, org.lake}, pool=org.api_pool)
    def pull(context: dg.AssetExecutionContext, config: PullConfig) -> dg.Output[Any]:
        # The days of the run are streamed to the IO manager, one after the other.
        keys = context.partition_keys
        if len(keys) == 1:
            return dg.Output(day(context, keys[0], config))
        if config.accept_loss:
            raise dg.Failure(
                "accept_loss is for one day: materialize the partition concerned alone.", allow_retries=False
            )
        return dg.Output(
            (key, day(context, key, PullConfig(), keys[at:])) for at, key in enumerate(keys, start=1)
        )

    def day(
        context: dg.AssetExecutionContext, key: str, config: PullConfig, later: Sequence[str] = ()
    ) -> FrameStream:
        stream = _day(context, org, key, config, later)
        stream.watcher = watch(context, key) if watch else None
        return stream

    return pull


def _day(
    context: dg.AssetExecutionContext, org: Org, day: str, config: PullConfig, later: Sequence[str] = ()
) -> FrameStream:
    """One day: brought up to date from late activity if that is asked for and possible, else pulled."""
    from genesys_dagster.assets.update import update

    window, stored = window_of_ended(org, day), stored_day(context, org, day)
    if config.from_late_activity and (stream := update(context, org, day, window, stored)):
        return stream
    return _pulled(context, org, day, window, stored, later=later, accept_loss=config.accept_loss)


def _pulled(  # noqa: PLR0913 - what a pull needs
    context: dg.AssetExecutionContext,
    org: Org,
    day: str,
    window: Interval,
    stored: "StoredVersion | None",
    *,
    later: Sequence[str],
    accept_loss: bool,
) -> FrameStream:
    genesys: GenesysResource = getattr(context.resources, org.genesys)
    ledger = partial(InstanceLedger, context.instance, org, context.run.run_id)
    stored_source = source_of(context.instance, org, day, stored)
    with as_failure():
        policy = genesys.commit_policy(accept_loss=accept_loss, is_last_attempt=context.retry_number > 0)
        if genesys.source == "query":  # known to be refused before anything is asked
            judge(Candidate(day=day, rows=0, source="query", stored_source=stored_source), policy)
        export = genesys.export(
            window,
            ledger(window),
            may_query=accept_loss or stored_source != "job",
            later=[Later(each, ledger(each)) for each in map(org.days.window, later)],
        )

    def came() -> Came:
        return Came(export.report.source, export.report.total_hits, export.report.received)

    return FrameStream(
        CONVERSATION_COLUMNS.schema,
        _frames(context, export, day),
        metadata=lambda: _metadata(export.report),
        terms=terms(day, window, stored, policy, came, stored_source=stored_source),
    )


def _frames(
    context: dg.AssetExecutionContext, export: "ConversationExport", partition_key: str
) -> "Iterator[pd.DataFrame]":
    """The day's data frames, Arrow-backed so that nothing is converted on the way to Parquet."""
    progress = _Progress(context, partition_key)
    with as_failure(), export.batches() as batches:
        for batch in batches:
            progress.tell(export.report)
            yield pa.Table.from_batches([batch]).to_pandas(types_mapper=pd.ArrowDtype)
    progress.tell(export.report, is_last=True)


class _Progress:
    """Tells at sensible intervals how far an export is."""

    def __init__(self, context: dg.AssetExecutionContext, partition_key: str) -> None:
        self._log = context.log
        self._partition_key = partition_key
        self._started = time.monotonic()
        self._told = self._started

    def tell(self, report: "ExportReport", *, is_last: bool = False) -> None:
        now = time.monotonic()
        if not is_last and now - self._told < _SECONDS_BETWEEN_PROGRESS:
            return
        self._told = now
        expected = f" of about {report.total_hits:,}" if report.total_hits else ""
        rate = report.rows / max(now - self._started, 1e-3)
        self._log.info(
            f"{self._partition_key}: {'all ' if is_last else ''}{report.rows:,}{expected} conversations, "
            f"{report.pages:,} pages from the {report.source}, {rate:,.0f} conversations/s"
        )


def _metadata(report: "ExportReport") -> Mapping[str, Any]:
    from genesys_dagster.assets.update import contents

    return {
        "source": report.source,
        "pages": report.pages,
        "api_requests": report.api_requests,
        "api_retries": report.api_retries,
        "total_hits": dg.MetadataValue.null() if report.total_hits is None else report.total_hits,
        "duplicates_dropped": report.duplicates_dropped,
        "outside_window_dropped": report.outside_window_dropped,
        **contents(report),
        "known_until": dg.MetadataValue.timestamp(report.known_until)
        if report.known_until
        else dg.MetadataValue.null(),
        "unknown_fields": dg.MetadataValue.json(
            dict(report.unknown_fields.most_common(_UNKNOWN_FIELDS_SHOWN))
        ),
    }
