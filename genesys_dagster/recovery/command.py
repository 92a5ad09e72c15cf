"""`genesys-dagster recover`: the org of the environment, in the instance of DAGSTER_HOME; one line per asset."""

import click
import dagster as dg

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.recovery.recover import Recovered, recover

_LINE = "{:<28} {:>8} {:>8} {:>8} {:>10}"


def run_recover() -> int:
    """Print one line per asset, and one per object that could not be read.

    Returns:
        0 if the instance knows all that lies in the lake, else 1.
    """
    try:
        with dg.DagsterInstance.get() as instance:
            click.echo(_LINE.format("asset", "found", "reported", "known", "unreadable"))
            results = recover(instance, GenesysCloud.from_environment(), tell=_say)
    except (LakeError, dg.DagsterError) as error:
        click.echo(" ".join(str(error).split()), err=True)
        return 1
    return 1 if any(result.unreadable for result in results) else 0


def _say(result: Recovered) -> None:
    counts = result.found, result.reported, result.known, len(result.unreadable)
    click.echo(_LINE.format(result.asset.to_user_string(), *counts))
    for sentence in result.unreadable:
        click.echo(f"  {sentence}")
