"""The command `genesys-dagster`: options in, exit status out. Each command's work lives in a module of its own."""

from datetime import datetime
from pathlib import Path

import click
from dotenv import load_dotenv

_env_file = click.option(
    "--env-file",
    default=".env",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Read first, if it exists.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genesys-dagster")
def main() -> None:
    """Genesys Cloud conversations to Parquet on S3, as Dagster assets."""


@main.command()
@click.option(
    "--days",
    default=None,
    show_default="the last week from Monday to Sunday, and the days since",
    type=click.IntRange(1, 60),
    help="Full days to export, up to yesterday.",
)
@click.option(
    "--conversations-per-day",
    default=500,
    show_default=True,
    type=click.IntRange(0),
    help="Of a busy weekday.",
)
@click.option(
    "--port", default=3000, show_default=True, type=click.IntRange(1, 65_535), help="Of the Dagster UI."
)
@click.option(
    "--ui/--no-ui", default=True, show_default=True, help="Serve the Dagster UI afterwards, until Ctrl-C."
)
def demo(days: int | None, conversations_per_day: int, port: int, *, ui: bool) -> None:
    """Export a made-up org on localhost into an S3 server on localhost, and show it in the Dagster UI.

    Needs no account, writes only to ./.demo, and stops everything it started. Exits with 0 only if every
    partition was written, every check holds and not one conversation is missing.
    """
    from genesys_dagster.demo import run_demo

    raise SystemExit(
        run_demo(days=days, conversations_per_day=conversations_per_day, port=port if ui else None)
    )


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Serve a made-up Genesys Cloud org on localhost until Ctrl-C (`sandbox --help` lists its options)."""
    from genesys_dagster.sandbox.__main__ import main as serve

    raise SystemExit(serve(list(arguments), program="genesys-dagster sandbox"))


@main.command()
@_env_file
def doctor(env_file: Path) -> None:
    """Check configuration, login, permissions and bucket: one line each, with the remedy where one is needed."""
    from genesys_dagster.doctor import run_doctor

    load_dotenv(env_file)
    raise SystemExit(run_doctor())


@main.command()
@_env_file
@click.option(
    "--refreshed-until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="In UTC: until then every step of the refresh plan was taken, so that none is repeated. Not given: the latest step "
    "of each day is.",
)
def recover(env_file: Path, refreshed_until: datetime | None) -> None:
    """Tell a Dagster instance that lost its database (DAGSTER_HOME) what lies in the lake.

    Asks Genesys Cloud nothing and writes nothing to the lake; what the instance knows is left alone. Stop the daemon before.
    """
    load_dotenv(env_file)
    from genesys_dagster.recovery.command import run_recover

    raise SystemExit(run_recover(refreshed_until))


if __name__ == "__main__":
    main()
