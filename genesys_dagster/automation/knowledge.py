"""Up to which instant an export would know everything, asked with at most one request."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

import dagster as dg

from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import CONVERSATIONS, Details
from genesys_dagster.genesys.errors import GenesysError, RequestRejectedError
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

# A sensor has a minute (Dagster docs, "Sensors": ticks time out after 60 s) and will be asked again anyway.
_PATIENCE = 10.0  # s

Context: TypeAlias = dg.SensorEvaluationContext | dg.ScheduleEvaluationContext


def now() -> datetime:
    """The current instant in UTC."""
    return datetime.now(UTC)


def resource(context: Context, org: Org) -> GenesysResource:
    """The org's resource in a tick."""
    genesys: GenesysResource = getattr(context.resources, org.genesys)
    return genesys


def unconfigured(context: Context, org: Org) -> dg.SkipReason | None:
    """The reason to skip while a variable is missing or wrong, which it names; None if all is set."""
    try:
        resource(context, org).settings()
    except GenesysError as error:
        return dg.SkipReason(str(error))
    return None


class Reach(NamedTuple):
    """How far an export would see.

    Attributes:
        until: Everything before this instant.
        has_jobs: Whether the org has bulk jobs for us; where it has none, the interactive query is the only source.
    """

    until: datetime
    has_jobs: bool


def reach(genesys: GenesysResource, details: Details = CONVERSATIONS) -> Reach:
    """The jobs' watermark; the current instant where the interactive query is the only source.

    Args:
        genesys: The org.
        details: Of which family.

    Raises:
        GenesysError: It cannot be asked for: not configured, refused, or no answer.
    """
    settings = quick(genesys)
    if genesys.source == "query":
        return Reach(now(), has_jobs=False)
    try:
        return Reach(run_apart(_watermark(settings, details)), has_jobs=True)
    except RequestRejectedError as error:
        if genesys.source == "auto" and error.status == 404:  # a gateway that passes on only the query
            return Reach(now(), has_jobs=False)
        raise


def quick(genesys: GenesysResource) -> ClientSettings:
    """Settings for a single request in a tick.

    Raises:
        GenesysError: A variable is missing or wrong.
    """
    return replace(
        genesys.settings(), max_attempts=1, request_timeout=_PATIENCE, connect_timeout=_PATIENCE / 2
    )


async def _watermark(settings: ClientSettings, details: Details) -> datetime:
    async with GenesysClient(settings) as client:
        return await data_available_until(client, details)
