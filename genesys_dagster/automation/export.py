"""The jobs that export, update and check days."""

import dagster as dg

from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.checks import CHECKS
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

# Checks alone, of what has come without them: its run died, or failed on a later day. No request either.
CHECK_KEYS = sorted(
    key for check in CHECKS if check not in (total_hits, reconciliation) for key in check.check_keys
)
CHECK_JOB = dg.define_asset_job(
    "check_conversation_details",
    selection=dg.AssetSelection.checks(*CHECK_KEYS),
    description="Checks one day of conversations as it lies in the lake, without a request.",
)
