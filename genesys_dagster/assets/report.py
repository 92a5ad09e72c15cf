"""The asset `contact_center_report`: one page with the figures of the last 30 days."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.assets.define import asset
from genesys_dagster.lazy import ds
from genesys_dagster.org.org import Org
from genesys_dagster.report import DAYS

if TYPE_CHECKING:
    from genesys_dagster.report.window import ReportData

DESCRIPTION = f"""\
One HTML page for people who run the contact centre: volumes, service level, abandon rate and handle time by day, half
hour and queue, over the last {DAYS} days in the lake and compared with the weeks before. Agents are not named.

It needs nothing but itself: open it from the link `page` in the metadata, download it or mail it.
"""

QUEUES, AGENTS = "queue_performance", "agent_performance"
_AT_ONCE = 100  # days that are looked for at once
_DAYS = dg.DagsterType(lambda _, __: True, name="days", typing_type=dict[str, ds.Dataset])

# A day that was never exported is left blank in the report, so it need not wait for all of history. Once per change
# of any day; while days are being computed, a backfill say, it waits for the last of them.
_FOLLOW_ANY_DAY = (
    dg.AutomationCondition.any_deps_updated().since(
        dg.AutomationCondition.newly_requested() | dg.AutomationCondition.initial_evaluation()
    )
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("follow_any_day")


def contact_center_report(org: Org) -> dg.AssetsDefinition:
    """The asset, for an org."""
    spec = org.spec(
        "contact_center_report",
        deps=[
            dg.AssetDep(org.key(name), partition_mapping=dg.AllPartitionMapping())
            for name in (QUEUES, AGENTS)
        ],
        description=DESCRIPTION,
        code_version="1",
        automation_condition=_FOLLOW_ANY_DAY,
    )

    @asset(org, spec, required_resource_keys={org.lake}, io_manager_key=org.pages, retry_policy=None)
    def page(context: dg.AssetExecutionContext) -> dg.Output[str]:
        from genesys_dagster.report.page import render
        from genesys_dagster.report.summary import summary

        fetched = getattr(context.resources, org.lake).fetched
        before = fetched.size
        data = _data(context, org)
        metadata: dict[str, Any] = {
            "summary": dg.MetadataValue.md(summary(data)),
            "first_day": str(data.window.first),
            "last_day": str(data.window.last),
            "days_present": data.days_now,
            "bytes_read": fetched.size - before,
            "days_to_compute_again": dg.MetadataValue.json(list(data.outdated)),
        }
        return dg.Output(render(data, org.days.timezone), metadata=metadata)

    return page


def _data(context: dg.AssetExecutionContext, org: Org) -> "ReportData":
    """The last days that the lake has."""
    from genesys_dagster.report.window import AGENT_COLUMNS, QUEUE_COLUMNS, ReportData, Window, outdated, rows

    keys = org.days.partitions.get_partition_keys()
    queues = _last_days(context, org, QUEUES, QUEUE_COLUMNS, keys)
    if not queues:
        raise dg.Failure(
            "No day of queue_performance is in the lake: materialize at least one, then the report.",
            allow_retries=False,
        )
    window = Window.of(queues)
    needed = [key for key in keys if window.is_needed(key)]
    queues |= _days(context, org, QUEUES, QUEUE_COLUMNS, [key for key in needed if key < min(queues)])
    window = Window.of(queues)
    agents = _days(context, org, AGENTS, AGENT_COLUMNS, needed)
    return ReportData(
        window,
        rows(queues, QUEUE_COLUMNS, window),
        rows(agents, AGENT_COLUMNS, window),
        outdated=sorted({*outdated(queues, window), *outdated(agents, window)}),
    )


def _last_days(
    context: dg.AssetExecutionContext, org: Org, name: str, columns: Sequence[str], keys: Sequence[str]
) -> dict[str, ds.Dataset]:
    """The days that are in the lake among the last partitions, or among those before if none of these is."""
    for end in range(len(keys), 0, -_AT_ONCE):
        if found := _days(context, org, name, columns, keys[max(end - _AT_ONCE, 0) : end]):
            return found
    return {}


def _days(
    context: dg.AssetExecutionContext, org: Org, name: str, columns: Sequence[str], keys: Sequence[str]
) -> dict[str, ds.Dataset]:
    """Those of some neighbouring days that are in the lake."""
    if not keys:
        return {}
    # Not an input: that would be all partitions since the first, each of which costs a question.
    request = dg.build_input_context(
        asset_key=org.key(name),
        dagster_type=_DAYS,
        asset_partitions_def=org.days.partitions,
        asset_partition_key_range=dg.PartitionKeyRange(keys[0], keys[-1]),
        definition_metadata={"columns": [*columns], "allow_missing_partitions": "silently"},
    )
    found: dict[str, ds.Dataset] = getattr(context.resources, org.lake).load_input(request)
    return found
