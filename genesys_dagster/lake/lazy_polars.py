"""Objects as a Polars LazyFrame that Polars fetches itself, out of core if need be.

Polars reads S3 with its own client; it is given the endpoint, the region and the credentials of the
boto3 client, renewed ones too. Only imported when an input is annotated `pl.LazyFrame`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from genesys_dagster.lake.objects import S3File
from genesys_dagster.lake.reading import Selection, Term, checked, open_dataset

if TYPE_CHECKING:
    import polars as pl
    from types_boto3_s3.client import S3Client

# Seconds; botocore renews temporary credentials 10 to 15 minutes before they expire (botocore,
# RefreshableCredentials), so what it hands out is good for longer than this.
_ASK_AGAIN = 300

_CONDITIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": lambda column, value: column == value,
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    # As in Arrow, null is not in any list, so "not in" keeps it.
    "in": lambda column, value: column.is_in(list(value)).fill_null(False),
    "not in": lambda column, value: ~column.is_in(list(value)).fill_null(False),
}


def scan(files: Sequence[S3File], wanted: Selection, client: "S3Client") -> "pl.LazyFrame":
    """Returns a LazyFrame with the selected columns and rows.

    Args:
        files: At least one object, in order.
        wanted: Columns and rows.
        client: The boto3 client.

    Raises:
        ReadError: The selection does not fit the objects.
    """
    import polars as pl

    dataset = open_dataset(files)
    filtered = checked(dataset, wanted)
    same = all(fragment.physical_schema.equals(dataset.schema) for fragment in dataset.get_fragments())
    if not same or wanted.expression is not None:
        # Columns added over time, and pyarrow's own expressions, are Arrow's to resolve.
        frame = pl.scan_pyarrow_dataset(filtered)
    else:
        frame = _scan_parquet([file.uri for file in files], client)
        if wanted.terms is not None:
            frame = frame.filter(_expression(wanted.typed_terms(dataset.schema)))
    return frame.select(wanted.columns) if wanted.columns else frame


def _scan_parquet(uris: Sequence[str], client: "S3Client") -> "pl.LazyFrame":
    import polars as pl

    endpoint = client.meta.endpoint_url
    options = {
        "aws_region": client.meta.region_name,
        "aws_endpoint_url": endpoint,
        "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        "aws_virtual_hosted_style_request": "false",
    }
    # boto3 has no public door to the credentials that a client signs with.
    credentials = client._request_signer._credentials  # type: ignore[attr-defined]  # noqa: SLF001
    provider = None
    if credentials is None:
        options["aws_skip_signature"] = "true"
    else:
        provider = _provider(credentials)
    return pl.scan_parquet(
        list(uris),
        # The folders' `date=…` stays out of the rows, as with every other kind of input.
        hive_partitioning=False,
        glob=False,
        storage_options=options,
        credential_provider=provider,
    )


def _provider(credentials: Any) -> Callable[[], tuple[dict[str, str], int | None]]:
    """Returns what Polars calls for credentials: botocore renews them when they are about to expire."""

    def current() -> tuple[dict[str, str], int | None]:
        frozen = credentials.get_frozen_credentials()
        keys = {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
        if frozen.token:
            keys["aws_session_token"] = frozen.token
        # Without an expiry Polars would never ask again.
        renewed = int(time.time()) + _ASK_AGAIN if hasattr(credentials, "refresh_needed") else None
        return keys, renewed

    return current


def _expression(groups: Sequence[Sequence[Term]]) -> "pl.Expr":
    """Returns a filter in Polars' words: one of the groups must hold, whole."""
    return reduce(or_, (reduce(and_, (_condition(*term) for term in group)) for group in groups))


def _condition(column: str, operator: str, value: Any) -> "pl.Expr":
    import polars as pl

    condition: pl.Expr = _CONDITIONS[operator](pl.col(column), value)
    return condition
