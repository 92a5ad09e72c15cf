"""`genesys-dagster demo`: a made-up org exported into a local S3 server, shown in the Dagster UI.

The sandbox and the S3 server run in this process, the UI in a child process; all of them end with this one.
"""

import signal
from datetime import UTC, datetime
from importlib.util import find_spec

import click

from genesys_dagster.demo.signals import interrupts
from genesys_dagster.demo.ui import DagsterUI

_INTERRUPTED = 128 + signal.SIGINT
_EXTRA = ("moto", "starlette", "uvicorn")


def run_demo(*, days: int | None, conversations_per_day: int, port: int | None) -> int:
    """Export the last full days, print what was written, serve the UI until Ctrl-C.

    Args:
        days: full days, up to yesterday (UTC); None: as many as hold a week from Monday to Sunday.
        conversations_per_day: volume of a busy weekday; weekends have fewer.
        port: of the Dagster UI; None: no UI.

    Returns:
        0 if everything was written and everything checked holds, else 1; 130 if it was interrupted before that was
        known, as shells have it.
    """
    if missing := [name for name in _EXTRA if find_spec(name) is None]:
        click.echo(f"The demo needs {', '.join(missing)}: pip install 'genesys-dagster[sandbox]'", err=True)
        return 1
    ui = DagsterUI(port) if port else None
    if ui and not ui.is_port_free():
        click.echo(
            f"Port {port} is in use: stop what listens there, or choose another with --port.", err=True
        )
        return 1

    succeeded: bool | None = None
    try:
        with interrupts() as stop:
            # These import Dagster, Arrow and the servers: seconds in which nothing could be said before.
            click.echo("Starting a Genesys Cloud org and an S3 server on localhost ...")
            from genesys_dagster.demo import closing
            from genesys_dagster.demo.environment import demo_environment
            from genesys_dagster.demo.lake import copy_lake
            from genesys_dagster.demo.plan import days_with_a_week
            from genesys_dagster.demo.runs import export_days

            days = days or days_with_a_week(datetime.now(UTC).date())
            with demo_environment(conversations_per_day, days) as environment:
                succeeded = export_days(environment, days, stop)
                lake = copy_lake(environment)
                if ui:
                    ui.serve_until_interrupted(environment, closing.while_served(environment, ui.url, lake))
            click.echo(closing.without_ui(lake))
    except KeyboardInterrupt:
        click.echo("\nStopped.")
        if succeeded is None:
            return _INTERRUPTED
    return 0 if succeeded else 1
