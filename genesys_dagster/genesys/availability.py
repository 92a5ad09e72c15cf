"""How far the data lake behind bulk jobs has come."""

from datetime import datetime

from genesys_dagster import telemetry
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
from genesys_dagster.genesys.errors import DataNotAvailableError, MalformedResponseError
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.responses import Response


async def data_available_until(client: GenesysClient, details: Details = CONVERSATIONS) -> datetime:
    """Ask for the watermark: bulk jobs see everything before it (SDK 269 models/data_availability_response.py).

    Args:
        client: An open client.
        details: Of which family: each has a watermark of its own.

    Returns:
        An aware instant in UTC, usually some hours back and at most about a day.

    Raises:
        MalformedResponseError: The answer holds no timestamp.
        GenesysError: See `GenesysClient.fetch`.
    """
    available_until = await client.fetch("GET", f"{details.jobs}/availability", read_availability)
    telemetry.watermark(details.family, (client.clock.now() - available_until).total_seconds())
    return available_until


def read_availability(response: Response) -> datetime:
    """Read the watermark.

    Raises:
        MalformedResponseError: The answer holds no timestamp.
    """
    try:
        return parse_instant(response.json()["dataAvailabilityDate"])
    except (KeyError, TypeError, ValueError):
        raise MalformedResponseError("the answer holds no dataAvailabilityDate") from None


def require_availability(
    interval: Interval, available_until: datetime, details: Details = CONVERSATIONS
) -> None:
    """Refuse an interval that a job would silently return incomplete.

    A job whose interval passes the watermark succeeds with rows missing and says nothing (seen in production by
    laggyzee/genesys-mcp, _availability.py).

    Raises:
        DataNotAvailableError: The watermark has not reached the interval's end.
    """
    if available_until < interval.end:
        raise DataNotAvailableError(
            f"bulk jobs hold complete data only until {available_until.isoformat()}, "
            f"but the interval ends at {interval.end.isoformat()}",
            path=details.jobs,
            remedy='Wait until the data has arrived (up to a day), or use source="auto" or source="query".',
        )
