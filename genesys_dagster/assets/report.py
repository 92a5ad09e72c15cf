"""The asset `contact_center_report`: one page with the figures of the last 30 days."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow.dataset as ds

from genesys_dagster.assets.conversation_details import PARTITIONS
from genesys_dagster.report.page import render
from genesys_dagster.report.summary import summary
from genesys_dagster.report.window import AGENT_COLUMNS, DAYS, QUEUE_COLUMNS, ReportData, Window, rows

DESCRIPTION = f"""\
One HTML page for people who run the contact centre: volumes, service level, abandon rate and handle time by day, half
hour and queue, over the last {DAYS} days in the lake and compared with the weeks before. Agents are not named.

It needs nothing but itself: open it from the link `page` in the metadata, download it or mail it.
"""

# A day that was never exported is left blank in the report, so it need not wait for all of history. Once per change
# of any day; while days are being computed, a backfill say, it waits for the last of them.
_FOLLOW_ANY_DAY = (
    dg.AutomationCondition.any_deps_updated().since(
        dg.AutomationCondition.newly_requested() | dg.AutomationCondition.initial_evaluation()
    )
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("follow_any_day")


def _days(*columns: str) -> dg.AssetIn:
    return dg.AssetIn(
        partition_mapping=dg.AllPartitionMapping(),
        metadata={"columns": [*columns], "allow_missing_partitions": True},
    )


@dg.asset(
    ins={"queue_performance": _days(*QUEUE_COLUMNS), "agent_performance": _days(*AGENT_COLUMNS)},
    io_manager_key="s3_page_io_manager",
    group_name="report",
    kinds={"python", "plotly", "html", "s3"},
    owners=["team:data-engineering"],
    description=DESCRIPTION,
    code_version="1",
    automation_condition=_FOLLOW_ANY_DAY,
)
def contact_center_report(
    queue_performance: dict[str, ds.Dataset], agent_performance: dict[str, ds.Dataset]
) -> dg.Output[str]:
    """Render the last days that the lake has."""
    data = _data(queue_performance, agent_performance)
    metadata: dict[str, Any] = {
        "summary": dg.MetadataValue.md(summary(data)),
        "first_day": str(data.window.first),
        "last_day": str(data.window.last),
        "days_present": data.days_now,
    }
    return dg.Output(render(data, PARTITIONS.timezone), metadata=metadata)


def _data(queues: Mapping[str, ds.Dataset], agents: Mapping[str, ds.Dataset]) -> ReportData:
    if not queues:
        raise dg.Failure(
            "No day of queue_performance is in the lake: materialize at least one, then the report.",
            allow_retries=False,
        )
    window = Window.of(queues)
    return ReportData(window, rows(queues, QUEUE_COLUMNS, window), rows(agents, AGENT_COLUMNS, window))


REPORT = [contact_center_report]
