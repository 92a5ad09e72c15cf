"""Which of its two sources a family of detail records is read from: bulk job or interactive query."""

from datetime import datetime
from typing import Literal, NamedTuple

from genesys_dagster.genesys.availability import data_available_until, require_availability
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
from genesys_dagster.genesys.errors import DataNotAvailableError, RequestRejectedError
from genesys_dagster.genesys.interval import Interval

Source = Literal["auto", "job", "query"]


class Chosen(NamedTuple):
    """What is read.

    Attributes:
        source: From where.
        available_until: The jobs' watermark; None if it was not asked for.
    """

    source: Literal["job", "query"]
    available_until: datetime | None = None


async def choose(
    client: GenesysClient,
    interval: Interval,
    source: Source,
    *,
    may_query: bool = True,
    details: Details = CONVERSATIONS,
) -> Chosen:
    """Choose the source for an interval.

    Args:
        client: An open client.
        interval: What is to be read.
        source: `auto` takes the job once its watermark has passed the interval's end, else the query.
        may_query: Whether `auto` may take the query.
        details: Of which family.

    Raises:
        DataNotAvailableError: The job is demanded, or the query must not be used, and the watermark has not passed yet.
        GenesysError: As in `GenesysClient.fetch`.
    """
    if source == "query":
        return Chosen("query")
    try:
        available_until = await data_available_until(client, details)
    except RequestRejectedError as error:
        # A gateway that passes on only the query.
        if source == "auto" and error.status == 404 and may_query:
            return Chosen("query")
        raise
    if source == "job":
        require_availability(interval, available_until, details)
    if available_until >= interval.end:
        return Chosen("job", available_until)
    if not may_query:
        raise DataNotAvailableError(
            "a complete version from the bulk job is stored, and bulk jobs hold complete data only until "
            f"{available_until.isoformat()} now",
            path=details.jobs,
            remedy="It is left as it is; the day is asked for again when the watermark has passed its end.",
        )
    return Chosen("query", available_until)
