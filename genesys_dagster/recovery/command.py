"""`genesys-dagster recover`: the org of the environment, in the instance of DAGSTER_HOME; one line per asset."""

from datetime import UTC, datetime

import click
import dagster as dg

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.recovery.recover import Recovered, recover

_LINE = "{:<28} {:>8} {:>8} {:>8} {:>10}"


def run_recover(refreshed_until: datetime | None = None) -> int:
    """Print one line per asset, and one per object that could not be read.

    Args:
        refreshed_until: Until when the refresh plan was followed, if that is known; UTC unless it says otherwise.

    Returns:
        0 if the instance knows all that lies in the lake, else 1.
    """
    try:
        with dg.DagsterInstance.get() as instance:
            click.echo(_LINE.format("asset", "found", "reported", "known", "unreadable"))
            org = GenesysCloud.from_environment()
            results = recover(instance, org, refreshed_until=_utc(refreshed_until), tell=_say)
    except (LakeError, dg.DagsterError) as error:
        click.echo(" ".join(str(error).split()), err=True)
        return 1
    return 1 if any(result.unreadable for result in results) else 0


def _utc(moment: datetime | None) -> datetime | None:
    return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _say(result: Recovered) -> None:
    counts = result.found, result.reported, result.known, len(result.unreadable)
    click.echo(_LINE.format(result.asset.to_user_string(), *counts))
    for sentence in result.unreadable:
        click.echo(f"  {sentence}")
