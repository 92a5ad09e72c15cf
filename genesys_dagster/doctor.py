"""`genesys-dagster doctor`: is everything in place for an export? One line per check, with the remedy.

Writes nothing that stays: the bucket is tried with a multipart upload that is aborted.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click
import dagster as dg

from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.place import lake_place
from genesys_dagster.lake.probe import probe_bucket
from genesys_dagster.resources import GenesysResource

_REQUIRED = ("GENESYSCLOUD_OAUTHCLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYS_S3_BUCKET")
_QUERY = "/api/v2/analytics/conversations/details/query"


class Problem(Exception):  # noqa: N818 - said to a person, not handled
    """What is wrong and what to do, in one line."""


class Check(NamedTuple):
    """One thing to look at."""

    name: str
    run: Callable[[], str]
    """Returns what was found; raises `Problem`, `GenesysError` or `StorageError`."""
    needs: tuple[str, ...] = ()
    """Checks without which this one would only repeat the same complaint."""


def run_doctor() -> int:
    """Print one line per check.

    Returns:
        0 if all checks passed, else 1.
    """
    failed: set[str] = set()
    for check in _checks():
        if missing := failed & set(check.needs):
            failed.add(check.name)
            _say("skip", check.name, f"needs {' and '.join(sorted(missing))}", "yellow")
            continue
        try:
            _say("ok", check.name, check.run(), "green")
        except (Problem, GenesysError, StorageError) as problem:
            failed.add(check.name)
            _say("FAIL", check.name, str(problem), "red")
    return 1 if failed else 0


def _say(status: str, name: str, text: str, color: str) -> None:
    click.echo(f"{click.style(f'{status:<4}', fg=color)}  {name:<12}  {text}")


def _checks() -> Iterator[Check]:
    yield Check("variables", _variables)
    yield Check("partitions", _partitions)
    yield Check("login", lambda: _with_client(_login), needs=("variables",))
    yield Check("permission", lambda: _with_client(_permission), needs=("variables", "login"))
    yield Check("watermark", lambda: _with_client(_watermark), needs=("variables", "login", "permission"))
    yield Check("bucket", _bucket, needs=("variables",))


def _variables() -> str:
    missing = [variable for variable in _REQUIRED if not os.environ.get(variable)]
    if missing:
        raise Problem(f"Set {', '.join(missing)}: copy .env.example to .env and fill in its first values.")
    settings = GenesysResource().settings()
    return f"API {settings.api_base}, bucket {os.environ['GENESYS_S3_BUCKET']}"


def _partitions() -> str:
    from genesys_dagster.partitions import daily_partitions

    try:
        partitions = daily_partitions()
    except dg.DagsterInvalidDefinitionError as error:
        raise Problem(str(error)) from None
    return f"daily from {partitions.start:%Y-%m-%d} on, days in {partitions.timezone}"


def _with_client(check: Callable[[GenesysClient], Any]) -> str:
    async def run() -> str:
        async with GenesysResource(max_attempts=2).client() as client:
            return str(await check(client))

    return asyncio.run(run())


async def _login(client: GenesysClient) -> str:
    await client.authenticate()
    return "the OAuth client id and secret are accepted"


async def _permission(client: GenesysClient) -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    interval = Interval(now - timedelta(minutes=1), now)
    await client.post_json(
        _QUERY, {"interval": interval.as_text(), "paging": {"pageSize": 1, "pageNumber": 1}}
    )
    return "analytics:conversationDetail:view is granted"


async def _watermark(client: GenesysClient) -> str:
    until = await data_available_until(client)
    behind = datetime.now(UTC) - until
    return f"bulk jobs are complete up to {until:%Y-%m-%d %H:%M} UTC, {behind / timedelta(hours=1):.1f} h ago"


def _bucket() -> str:
    from dagster_aws.s3 import S3Resource

    place = lake_place()
    probe_bucket(lake_client(S3Resource()), place.bucket, place.prefix)
    return f"{place.uri}: upload and abort are allowed"
