"""The head of the lineage: Genesys Cloud itself, as an external asset that the graph knows and never executes."""

import dagster as dg

from genesys_dagster.org.claims import claims_of
from genesys_dagster.org.org import Org

DESCRIPTION = """\
The Genesys Cloud org, read through its Platform API. Not materialized here: it is what everything else is made of.

- `conversation_details` comes from the analytics of conversation details (bulk job or interactive query),
- `late_activity` from the same, over what older conversations did lately,
- the reference snapshots (`users`, `queues` …) from the listings of routing, users, architect and authorization.

Which data: the roles of the OAuth client, whose divisions are all it can see.
"""

_DEVELOPERS = "https://developer.genesys.cloud"


def genesys_cloud(org: Org) -> dg.AssetSpec:
    """What the source assets of an org depend on."""
    return org.spec(
        "genesys_cloud",
        description=DESCRIPTION,
        metadata={
            **claims_of(org),
            "conversation_details": dg.MetadataValue.url(
                f"{_DEVELOPERS}/analyticsdatamanagement/analytics/detail/"
            ),
            "api_explorer": dg.MetadataValue.url(f"{_DEVELOPERS}/devapps/api-explorer"),
            "service_status": dg.MetadataValue.url("https://status.mypurecloud.com/"),
        },
    )
