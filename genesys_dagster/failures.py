"""Errors as Dagster shows them: one message on top that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.records.errors import DecodeError


@contextmanager
def as_failure() -> Iterator[None]:
    """Turn the errors of `genesys` and `records` into a `Failure` that is retried only where that can help."""
    try:
        yield
    except GenesysError as error:
        raise dg.Failure(str(error), allow_retries=error.retryable) from error
    except DecodeError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
