"""How long the organization keeps its interaction data."""

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError

SETTINGS_PATH = "/api/v2/analytics/dataretention/settings"
PERMISSION = "analytics:dataRetention:view"


async def retention_days(client: GenesysClient) -> int | None:
    """Ask after how many days the org deletes its interaction data (SDK 269 models/analytics_data_retention_response.py).

    Returns:
        Whole days, 90 to about 1,825 where somebody has set them (Genesys help, "Set the maximum interaction data
        retention time"); None if nobody has, so that the contract's term holds.

    Raises:
        PermissionDeniedError: The client lacks analytics:dataRetention:view.
        MalformedResponseError: The answer holds something else than a number of days.
        GenesysError: See `GenesysClient.fetch`.
    """
    answer = await client.get_json(SETTINGS_PATH)
    days = answer.get("retentionDays")
    if days is None:
        return None
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise MalformedResponseError("the answer holds no retentionDays", method="GET", path=SETTINGS_PATH)
    return days
