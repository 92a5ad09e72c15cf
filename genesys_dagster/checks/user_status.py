"""All checks of agents' time."""

import dagster as dg

from genesys_dagster.checks import periods
from genesys_dagster.checks.contents import Contents, contents
from genesys_dagster.checks.user_aggregates import user_aggregates
from genesys_dagster.org.org import Org
from genesys_dagster.records.model.user_status import USER_PRESENCE, USER_ROUTING_STATUS

PRESENCE = Contents("user_presence", USER_PRESENCE, periods.PRESENCE)
ROUTING = Contents("user_routing_status", USER_ROUTING_STATUS, periods.ROUTING)


def user_status_checks(org: Org) -> list[dg.AssetChecksDefinition]:
    """The checks, for an org; none if it has no agents' time."""
    if not org.has(PRESENCE.asset):
        return []
    return [contents(org, PRESENCE), contents(org, ROUTING), user_aggregates(org)]
