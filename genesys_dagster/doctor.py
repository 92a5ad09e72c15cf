"""`genesys-dagster doctor`: is everything in place for an export? One line per check, with the remedy.

Writes nothing that stays: the bucket is tried with a multipart upload that is aborted, and with writes that must fail.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import dagster as dg

from genesys_dagster import environment
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.aggregates import AGGREGATES_PATH
from genesys_dagster.genesys.aggregates import PERMISSION as AGGREGATES
from genesys_dagster.genesys.availability import data_available_until
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.details import USERS
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.reference import LISTINGS
from genesys_dagster.genesys.retention import PERMISSION as RETENTION
from genesys_dagster.genesys.retention import retention_days
from genesys_dagster.genesys.user_aggregates import PERMISSION as USER_AGGREGATES
from genesys_dagster.genesys.user_aggregates import user_aggregates
from genesys_dagster.host import (
    ROOM,
    UnusableHost,
    instance_of_host,
    room_for_temporary_files,
    what_is_missing,
)
from genesys_dagster.lake.client import lake_client
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.lake.place import lake_place
from genesys_dagster.lake.probe import Condition, StoreTraits, store_traits
from genesys_dagster.lake.s3_errors import without_user
from genesys_dagster.resources import GenesysResource

if TYPE_CHECKING:
    from genesys_dagster.lake.place import Place

_REQUIRED = (
    environment.CONNECTION["client_id"],
    environment.CONNECTION["client_secret"],
    environment.BUCKET,
)
_RATE_LIMIT_STORE = environment.CONNECTION["rate_limit_store"]
_QUERY = "/api/v2/analytics/conversations/details/query"


class Problem(Exception):  # noqa: N818 - said to a person, not handled
    """What is wrong and what to do, in one line."""


class Warned(Exception):  # noqa: N818 - said to a person, not handled
    """What works less well, each thing in one line; an export works without."""


class Check(NamedTuple):
    """One thing to look at."""

    name: str
    run: Callable[[], str]
    """Returns what was found; raises `Problem`, `Warned`, `GenesysError` or `StorageError`."""
    needs: tuple[str, ...] = ()
    """Checks without which this one would only repeat the same complaint."""


def run_doctor() -> int:
    """Print one line per check.

    Returns:
        0 if all checks passed, with or without warnings, else 1.
    """
    failed: set[str] = set()
    for check in _checks():
        if missing := failed & set(check.needs):
            failed.add(check.name)
            _say("skip", check.name, f"needs {' and '.join(sorted(missing))}", "yellow")
        elif problem := _problem(check):
            failed.add(check.name)
            _say("FAIL", check.name, problem, "red")
    return 1 if failed else 0


def _problem(check: Check) -> str | None:
    """Runs a check; returns what is wrong, or says that nothing is."""
    try:
        _say("ok", check.name, check.run(), "green")
    except Warned as warned:
        for text in warned.args:
            _say("warn", check.name, text, "yellow")
    except (Problem, UnusableHost, GenesysError, StorageError, dg.DagsterInvalidDefinitionError) as problem:
        return str(problem)
    except Exception as error:  # noqa: BLE001 - a person wants a line, not a traceback
        first = (str(error).strip() or "no words").splitlines()[0]
        return f"{type(error).__name__}: {first}"
    return None


def _say(status: str, name: str, text: str, color: str) -> None:
    line = without_user(" ".join(text.split()))
    if secret := environment.variable(environment.CONNECTION["client_secret"]):
        line = line.replace(secret, "***")
    click.echo(f"{click.style(f'{status:<4}', fg=color)}  {name:<12}  {line}")


def _checks() -> Iterator[Check]:
    yield Check("variables", _variables)
    yield Check("partitions", _partitions)
    yield Check("definitions", _definitions, needs=("partitions",))
    yield Check("login", lambda: _with_client(_login), needs=("variables",))
    yield Check("permission", lambda: _with_client(_permission), needs=("variables", "login"))
    yield Check("optional", lambda: _with_client(_optional), needs=("variables", "login"))
    yield Check("watermark", lambda: _with_client(_watermark), needs=("variables", "login", "permission"))
    yield Check("bucket", _bucket, needs=("variables",))
    yield Check("store", _store, needs=("variables", "bucket"))
    yield Check("instance", _instance)
    yield Check("scratch", _scratch)


def _variables() -> str:
    credentials = environment.CONNECTION.values()
    missing = [
        name
        for name in _REQUIRED
        if not environment.variable(name)
        and not (name in credentials and environment.variable(environment.of_file(name)))
    ]
    if missing:
        raise Problem(f"Set {', '.join(missing)}: copy .env.example to .env and fill in its first values.")
    settings = GenesysResource().settings()
    return f"API {settings.api_base}, lake {lake_place().uri}"


def _partitions() -> str:
    from genesys_dagster.cloud import GenesysCloud

    org = GenesysCloud.from_environment()
    try:
        _ = org.days
    except ValueError as error:
        raise Problem(f"{error}.") from None
    return f"daily from {org.days.partitions.start:%Y-%m-%d} on, days in {org.days.timezone}"


def _definitions() -> str:
    """Reads every variable that the code location reads when it is loaded, and loads it."""
    from genesys_dagster.cloud import GenesysCloud

    org = GenesysCloud.from_environment()
    org.check()
    assets = len(org.definitions().resolve_asset_graph().get_all_asset_keys())
    return f"the code location loads: {assets} assets, automation is {'on' if org.automation else 'off'}"


def _with_client(check: Callable[[GenesysClient], Any]) -> str:
    async def run() -> str:
        async with GenesysResource(max_attempts=2).client() as client:
            return str(await check(client))

    return run_apart(run())


async def _login(client: GenesysClient) -> str:
    await client.authenticate()
    return "the OAuth client id and secret are accepted"


async def _permission(client: GenesysClient) -> str:
    await client.post_json(
        _QUERY, {"interval": _last_minute().as_text(), "paging": {"pageSize": 1, "pageNumber": 1}}
    )
    return "analytics:conversationDetail:view is granted"


_NOBODY = "00000000-0000-0000-0000-000000000000"
# What an export is without it.
_LOST = {
    AGGREGATES: "days are not reconciled with Genesys's own sums",
    USERS.permission: "there is no agents' time",
    USER_AGGREGATES: "agents' time is not compared with Genesys's own sums",
    RETENTION: "where the org's retention ends is not known, so set GENESYS_RETENTION_DAYS",
    **{
        listing.permission: f"{listing.name} have no names"
        for listing in LISTINGS.values()
        if listing.permission
    },
}


async def _optional(client: GenesysClient) -> str:
    missing = [name for name in _LOST if not await _is_granted(client, name)]
    if missing:
        remedy = "Add it to a role of the OAuth client if you want that."
        raise Warned(*(f"{name} is missing: {_LOST[name]}. {remedy}" for name in missing))
    return f"all {len(_LOST)} optional permissions are granted"


async def _is_granted(client: GenesysClient, permission: str) -> bool:
    try:
        if permission == AGGREGATES:
            sums = {"interval": _last_minute().as_text(), "metrics": ["nOffered"]}
            await client.post_json(AGGREGATES_PATH, sums)
        if permission == USER_AGGREGATES:
            await user_aggregates(client, _last_minute(), [_NOBODY])
        if permission == USERS.permission:
            await data_available_until(client, USERS)
        if permission == RETENTION:
            await retention_days(client)
        for listing in LISTINGS.values():
            if listing.permission == permission:
                await client.get_json(listing.path, listing.first_question)
    except PermissionDeniedError:
        return False
    return True


async def _watermark(client: GenesysClient) -> str:
    until = await data_available_until(client)
    behind = datetime.now(UTC) - until
    return f"bulk jobs are complete up to {until:%Y-%m-%d %H:%M} UTC, {behind / timedelta(hours=1):.1f} h ago"


def _last_minute() -> Interval:
    now = datetime.now(UTC).replace(microsecond=0)
    return Interval(now - timedelta(minutes=1), now)


def _bucket() -> str:
    place, _ = _probed()
    return f"{place.uri}: upload and abort are allowed"


def _store() -> str:
    place, traits = _probed()
    doubts = []
    if not traits.conditional:
        found = {traits.conditional_put, traits.conditional_complete} - {Condition.KEPT}
        doubts.append(
            f"conditions of writes are {' or '.join(sorted(each.value for each in found))}: of two runs that write "
            "one partition at once, the last to end wins. Let no other program write below the prefix."
        )
    if traits.left_behind:
        doubts.append(
            f"s3://{place.bucket}/{traits.left_behind} was written and may not be deleted: delete it."
        )
    if traits.keeps_bytes is None:
        doubts.append("whether it keeps the bytes as sent is unknown: allow s3:ListMultipartUploadParts.")
    if doubts:
        raise Warned(*doubts)
    return "keeps conditions of writes, and the bytes as they were sent"


def _instance() -> str:
    """Where runs are kept, by the variables of this process."""
    home, said = instance_of_host(shares_limit=bool(environment.variable(_RATE_LIMIT_STORE)))
    if home is None:
        raise Warned(
            "DAGSTER_HOME is not set: what runs here is forgotten when it ends, and no setting of an instance is looked at. "
            "Set it to a folder that stays, with a dagster.yaml in it."
        )
    if missing := what_is_missing(said):
        raise Warned(*(f"{home / 'dagster.yaml'}: {each}" for each in missing))
    kept = "SQLite" if said.is_on_sqlite else "a database"
    return f"{home}: has what a run needs; kept in {kept}, started by {said.launcher}"


def _scratch() -> str:
    folder, free = room_for_temporary_files()
    if free < ROOM:
        raise Warned(
            f"{folder} has {free / 1e9:.1f} GB free: tables of a large day and agents' time may need {ROOM / 1e9:g} GB for "
            "each run. Set TMPDIR to a folder with more."
        )
    return f"{folder}: {free / 1e9:.0f} GB free for temporary files"


def _probed() -> "tuple[Place, StoreTraits]":
    from dagster_aws.s3 import S3Resource

    place = lake_place()
    return place, store_traits(lake_client(S3Resource()), place.bucket, place.prefix)
