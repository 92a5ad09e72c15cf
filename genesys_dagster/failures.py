"""Errors as Dagster shows them: one message on top that says what to do; and when to try again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.records.errors import DecodeError

# The clients of Genesys Cloud and S3 have repeated single requests for minutes before a step fails: wait for an outage
# to pass. Nothing is half-written by then, so a step can always be run again.
RETRY_AFTER_OUTAGE = dg.RetryPolicy(
    max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@contextmanager
def as_failure() -> Iterator[None]:
    """Turn the errors of `genesys` and `records` into a `Failure` that is retried only where that can help."""
    try:
        yield
    except GenesysError as error:
        raise dg.Failure(str(error), allow_retries=error.retryable) from error
    except DecodeError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
