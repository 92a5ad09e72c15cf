"""The jobs that export and update days, and how sensors and schedules request it."""

from collections.abc import Iterable

import dagster as dg

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.checks.completeness import total_hits
from genesys_dagster.checks.reconciliation import reconciliation

# The check `total_hits` asks Genesys Cloud what a pull has just been told, and `completeness` has looked at.
EXPORT_JOB = dg.define_asset_job(
    "export_conversation_details",
    selection=dg.AssetSelection.assets(conversation_details) - dg.AssetSelection.checks(total_hits),
    description="Pulls one day of conversations from Genesys Cloud again, whole.",
)

# Without the checks that ask Genesys Cloud: an update costs no request.
UPDATE_JOB = dg.define_asset_job(
    "update_conversation_details",
    selection=dg.AssetSelection.assets(conversation_details)
    - dg.AssetSelection.checks(total_hits, reconciliation),
    config={"ops": {conversation_details.op.name: {"config": {"from_late_activity": True}}}},
    description="Brings one day of conversations up to date from what `late_activity` found, without a request.",
)

REASON = "genesys/reason"
NEW_DAY = "genesys/new_day"

# Today's work goes before corrections of the past; both go before backfills, which have priority 0 or what the
# user gives them (Dagster docs, "Prioritizing runs").
_PRIORITY = {"new day": 20, "provisional": 20, "late activity": 10, "refresh": 5}


def request(day: str, reason: str, run_key: str) -> dg.RunRequest:
    """Requests the export or update of a day.

    Args:
        day: Partition key.
        reason: `new day`, `provisional`, `refresh` or `late activity`; stands on the run as the tag
            `genesys/reason`.
        run_key: Dagster starts no second run of the same sensor or schedule with it.
    """
    tags = {REASON: reason, "dagster/priority": str(_PRIORITY[reason])}
    if reason == "new day":
        tags[NEW_DAY] = day
    return dg.RunRequest(partition_key=day, run_key=run_key, tags=tags)


def new_day_runs(instance: dg.DagsterInstance, days: Iterable[str]) -> dict[str, list[dg.RunRecord]]:
    """The runs that were requested for new days, whoever requested them, by day."""
    found: dict[str, list[dg.RunRecord]] = {day: [] for day in days}
    if found:
        for record in instance.get_run_records(dg.RunsFilter(tags={NEW_DAY: list(found)})):
            found[record.dagster_run.tags[NEW_DAY]].append(record)
    return found
