"""What two orgs of one code location must not share without knowing: a place in a bucket, a client's rate limit."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import dagster as dg

from genesys_dagster import environment
from genesys_dagster.org.org import DEFAULT, Org

_METADATA = "genesys_dagster/claims"


class Claims(NamedTuple):
    """What an org claims.

    Attributes:
        org: Its name.
        lake: Bucket and prefix.
        client: OAuth client and host; empty if there is none yet.
        pool: Of everything that asks Genesys Cloud.
    """

    org: str
    lake: str
    client: str
    pool: str


def claims_of(org: Org) -> Mapping[str, dg.MetadataValue]:
    """An org's claims as metadata of its asset `genesys_cloud`."""
    bucket, client = _said(org.bucket), _said(org.client_id)
    prefix = environment.prefix() if org.object_prefix is None else _said(org.object_prefix)
    host = _said(org.api_url) or _said(org.region)
    claims = Claims(
        org.name or DEFAULT,
        f"{bucket}/{prefix.strip('/')}" if bucket else "",
        f"{client} of {host}" if client else "",
        org.api_pool,
    )
    return {_METADATA: dg.MetadataValue.json(claims._asdict())}


def refuse_shared(metadata: Iterable[Mapping[str, Any]]) -> None:
    """Look at the claims of all orgs of a code location.

    Args:
        metadata: Of all its assets.

    Raises:
        dagster.DagsterInvalidDefinitionError: Two orgs share what they must not; one sentence.
    """
    places: dict[str, str] = {}
    pools: dict[str, Claims] = {}
    for claims in (Claims(**said[_METADATA].value) for said in metadata if _METADATA in said):
        other = places.setdefault(claims.lake, claims.org) if claims.lake else claims.org
        if other != claims.org:
            raise dg.DagsterInvalidDefinitionError(
                f"The orgs {other} and {claims.org} both write to s3://{claims.lake}: give one of them a prefix of its own."
            )
        same = pools.setdefault(claims.client, claims) if claims.client else claims
        if same.pool != claims.pool:
            raise dg.DagsterInvalidDefinitionError(
                f"The orgs {same.org} and {claims.org} ask with one OAuth client but have the pools {same.pool} and "
                f"{claims.pool}: name the same `pool` in both, as Genesys Cloud counts requests by client."
            )


def _said(setting: dg.EnvVar | str | None) -> str:
    """A setting's value, or the name of the variable that it is to come from."""
    said = environment.value_of(setting)
    return said or (f"${setting.env_var_name}" if isinstance(setting, dg.EnvVar) else "")
