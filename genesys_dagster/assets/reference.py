"""Reference data: one unpartitioned asset per listing, a snapshot of what the ids in conversations mean."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from genesys_dagster.assets.conditions import every_morning
from genesys_dagster.assets.define import asset
from genesys_dagster.assets.failures import as_failure
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError, RequestRejectedError
from genesys_dagster.genesys.reference import LISTINGS, Listing, read_listing
from genesys_dagster.org.org import Org
from genesys_dagster.records.reference import ENTITIES
from genesys_dagster.resources import GenesysResource

PERMITTED = "permitted"
"""Name of the check on each reference asset: whether the OAuth client may read the listing."""

_DESCRIPTIONS = {
    "users": "Users of the org, inactive and deleted ones included: names the `userId` of conversations. Without "
    "contact data.",
    "queues": "Queues: names the `queueId` of segments.",
    "wrapup_codes": "Wrap-up codes: names the `wrapUpCode` of segments.",
    "divisions": "Divisions: names the `divisionIds` of conversations.",
    "skills": "Routing skills: names the `requestedRoutingSkillIds` of segments.",
    "languages": "Routing languages: names the `requestedLanguageId` of segments.",
    "flows": "Architect flows, deleted ones included: names the `flowId` of sessions.",
    "groups": "Groups of users: names the `groupId` of segments.",
    "presence_definitions": "Presence definitions, deactivated ones included: names the `organization_presence_id` of "
    "`user_presence`.",
    "teams": "Teams: names the `teamId` of participants.",
}

_HOW_KEPT = """\

A snapshot: each materialization replaces the one before. Without the permission, or where a gateway does not pass the
listing on, the last snapshot stays as it is (an empty one is written if there was none), a warning says what is missing,
and nothing else is held up.
"""


def reference(org: Org) -> list[dg.AssetsDefinition]:
    """The assets, for an org."""
    return [_snapshot(org, listing) for listing in LISTINGS.values()]


def _snapshot(org: Org, listing: Listing) -> dg.AssetsDefinition:
    spec = org.spec(
        listing.name,
        deps=[org.key("genesys_cloud")],
        description=_DESCRIPTIONS[listing.name] + "\n" + _HOW_KEPT,
        code_version="1",
        automation_condition=every_morning(org.days.timezone),
        metadata={"path": listing.path, "permission": listing.permission or "none documented"},
    )
    permitted = dg.AssetCheckSpec(
        PERMITTED,
        asset=spec.key,
        description="The OAuth client may read this listing. A warning, because everything else goes on.",
    )

    @asset(org, spec, required_resource_keys={org.genesys}, pool=org.api_pool, check_specs=[permitted])
    # Not annotated: Dagster takes an annotated MaterializeResult for an asset without a value.
    def snapshot(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202
        try:
            with as_failure():
                entities = run_apart(_read(getattr(context.resources, org.genesys), listing))
        except dg.Failure as failure:
            if isinstance(failure.__cause__, GenesysError) and _is_refused(failure.__cause__):
                return _left_out(context, listing, failure.__cause__)
            raise
        return dg.MaterializeResult(
            value=ENTITIES[listing.name].table(entities),
            check_results=[dg.AssetCheckResult(check_name=PERMITTED, passed=True)],
        )

    return snapshot


def _is_refused(error: GenesysError) -> bool:
    """Whether the listing is not to be had: forbidden, or unknown to a gateway that passes on only some paths."""
    is_unknown = isinstance(error, RequestRejectedError) and error.status == 404
    return is_unknown or isinstance(error, PermissionDeniedError)


async def _read(genesys: GenesysResource, listing: Listing) -> list[Mapping[str, Any]]:
    async with genesys.client() as client:
        return [entity async for entity in read_listing(client, listing)]


def _left_out(
    context: dg.AssetExecutionContext, listing: Listing, error: GenesysError
) -> dg.MaterializeResult[Any]:
    """Leave the last snapshot alone; write an empty one only if there is none that others could read."""
    last = context.instance.get_latest_materialization_event(context.asset_key)
    snapshot = last.asset_materialization if last else None
    outcome = (
        "The last snapshot stays." if snapshot else "There is no snapshot yet, so an empty one is written."
    )
    context.log.warning("%s is left out. %s %s", listing.name, outcome, error)
    missing = (
        {"permission_missing": listing.permission or "a permission that the message names"}
        if isinstance(error, PermissionDeniedError)
        else {"listing_missing": listing.path}
    )
    metadata: dict[str, Any] = {**missing, "snapshot_kept": snapshot is not None}
    warning = dg.AssetCheckResult(
        check_name=PERMITTED,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=str(error),
        metadata=metadata,
    )
    if snapshot is None:
        return dg.MaterializeResult(
            value=ENTITIES[listing.name].table([]), metadata=metadata, check_results=[warning]
        )
    version = (snapshot.tags or {}).get("dagster/data_version")
    return dg.MaterializeResult(
        metadata={**snapshot.metadata, **metadata},  # what is true of the snapshot stays true
        check_results=[warning],
        data_version=dg.DataVersion(version) if version else None,
    )
