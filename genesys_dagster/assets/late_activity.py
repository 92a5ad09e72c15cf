"""The asset `late_activity`: what happened on a day in conversations that began on days before."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from genesys_dagster.assets.define import daily
from genesys_dagster.assets.failures import as_failure
from genesys_dagster.assets.terms import OLDER_CONVERSATIONS, Came, stored_day, terms, window_of_stored
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lazy import pa, pc
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.memory.pulls import LATE_ACTIVITY
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.resources import GenesysResource

if TYPE_CHECKING:
    from genesys_dagster.lake.stored import StoredVersion

# The first sweep makes up for the days between the last backfill and the day on which automation was switched on.
_FIRST_SWEEP = 3  # days
_LONGEST_GAP = 30  # days of missed sweeps that are made up for; each costs a job

DESCRIPTION = """\
The conversations that began before the partition's day and in which something happened on it: an e-mail answered
after weeks, a callback that was reached. Rows as in `conversation_details`, as they stood when the day was swept;
days before that were never swept are made up for. The sensor `update_from_late_activity` puts the rows into the
partitions of `conversation_details` where they belong, which takes no further request.

One bulk job in overlap mode, read only as far as conversations are older than the day. Evaluations and surveys of
conversations that have ended are not activity: the refresh plan is there for them.
"""


class SweepConfig(dg.Config):
    """How a run sweeps a day."""

    accept_loss: bool = Field(
        default=False,
        description="Commit this sweep even if the stored one has conversations that it lacks. For one partition and one "
        "run.",
    )


def late_activity(org: Org) -> dg.AssetsDefinition:
    """The asset, for an org."""
    spec = org.spec(LATE_ACTIVITY, deps=[org.key("genesys_cloud")], description=DESCRIPTION, code_version="1")

    @daily(org, spec, required_resource_keys={org.genesys, org.lake}, pool=org.api_pool)
    def sweep(context: dg.AssetExecutionContext, config: SweepConfig) -> dg.Output[Any]:
        # Each of the run's days is swept from where the sweep before it ended.
        keys = context.partition_keys
        swept = sorted({*context.instance.get_materialized_partitions(spec.key), *keys})
        if len(keys) == 1:
            return dg.Output(_swept(context, org, keys[0], swept, accept_loss=config.accept_loss))
        return dg.Output(
            (key, _swept(context, org, key, swept, keys[at:], accept_loss=False))
            for at, key in enumerate(keys, start=1)
        )

    return sweep


def _days_to_sweep(org: Org, day: str, swept: list[str], stored: "StoredVersion | None") -> list[str]:
    """The day, after those since the last one that was swept before it, and those of the sweep that is stored."""
    covered = window_of_stored(stored) if stored else None
    first = org.days.day_of(covered.start) if covered else day
    before = [other for other in swept if other < min(first, day)]
    most = _LONGEST_GAP if before else _FIRST_SWEEP
    days = [str(date.fromisoformat(day) - timedelta(days=age)) for age in reversed(range(most))]
    return [other for other in days if org.days.is_partition(other) and (not before or other > before[-1])]


def _swept(  # noqa: PLR0913 - what a sweep needs
    context: dg.AssetExecutionContext,
    org: Org,
    day: str,
    swept: list[str],
    later: Sequence[str] = (),
    *,
    accept_loss: bool,
) -> FrameStream:
    """The stream of one sweep; nothing is asked before its rows are."""
    genesys: GenesysResource = getattr(context.resources, org.genesys)
    stored = stored_day(context, org, day, LATE_ACTIVITY)
    days = _days_to_sweep(org, day, swept, stored)
    windows = [org.days.window(each) for each in days]
    metadata: dict[str, Any] = {"days_swept": len(days)}

    def frames() -> "Iterator[pa.Table]":
        ledger = partial(InstanceLedger, context.instance, org, context.run.run_id, kind="sweep")
        with as_failure():
            found = genesys.sweep(windows, ledger, [org.days.window(each) for each in later])
            rows = found.rows()
        metadata.update(days=dg.MetadataValue.json(days_found(org, rows)), api_requests=found.api_requests)
        yield rows

    with as_failure():
        policy = genesys.commit_policy(accept_loss=accept_loss)
    window = Interval(windows[0].start, windows[-1].end)
    on_terms = terms(day, window, stored, policy, lambda: Came("job"), rows=OLDER_CONVERSATIONS)
    return FrameStream(CONVERSATION_COLUMNS.schema, frames(), lambda: metadata, on_terms)


def days_found(org: Org, rows: "pa.Table") -> Mapping[str, int]:
    """How many of the conversations began on each day; days before the first partition are left out."""
    starts = rows["conversationStart"]
    first = pa.scalar(org.days.start_of(org.days.first), starts.type)
    days = Counter(map(org.days.day_of, starts.filter(pc.greater_equal(starts, first)).to_pylist()))
    return dict(sorted(days.items()))
