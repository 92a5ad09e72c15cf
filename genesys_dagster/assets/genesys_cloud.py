"""The head of the lineage: Genesys Cloud itself, as an external asset that the graph knows and never executes."""

import dagster as dg

DESCRIPTION = """\
The Genesys Cloud org, read through its Platform API. Not materialized here: it is what everything else is made of.

- `conversation_details` comes from the analytics of conversation details (bulk job or interactive query),
- `late_activity` from the same, over what older conversations did lately,
- the reference snapshots (`users`, `queues` …) from the listings of routing, users, architect and authorization.

Which org and which data: `GENESYSCLOUD_REGION` and the roles of the OAuth client, whose divisions are all it can see.
"""

_DEVELOPERS = "https://developer.genesys.cloud"

# Assets refer to it by its key in `deps`, so that their modules need not know this one.
GENESYS_CLOUD = dg.AssetSpec(
    "genesys_cloud",
    description=DESCRIPTION,
    group_name="genesys_cloud",
    kinds={"genesys", "api"},
    owners=["team:data-engineering"],
    tags={"pii": ""},
    metadata={
        "conversation_details": dg.MetadataValue.url(
            f"{_DEVELOPERS}/analyticsdatamanagement/analytics/detail/"
        ),
        "api_explorer": dg.MetadataValue.url(f"{_DEVELOPERS}/devapps/api-explorer"),
        "service_status": dg.MetadataValue.url("https://status.mypurecloud.com/"),
    },
)
"""What the source assets depend on."""
