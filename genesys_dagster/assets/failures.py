"""Errors as Dagster shows them: the cause as headline; when a step is run again; and interrupts, which end it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg

from genesys_dagster.extract.commit import CommitRefusedError
from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.records.errors import DecodeError

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 86_400.0  # s; a server that asks for more is asked again after a day


class Outage(dg.Failure):
    """A failure that passes by itself.

    Attributes:
        seconds: What the server asked to wait before the next attempt; 0 if it did not say.
    """

    def __init__(self, description: str, seconds: float = 0.0) -> None:
        super().__init__(description, allow_retries=True)
        self.seconds = seconds


class _Final(dg.Failure):
    """A failure that stays until somebody changes something."""

    def __init__(self, description: str) -> None:
        super().__init__(description, allow_retries=False)


class RetryAfterOutage(dg.RetryPolicy):
    """Dagster's retry policy, but for three things that it does not do.

    Dagster asks a policy for its delay while it handles what ended the step, also where that was an interrupt
    (dagster 1.13.27, `op_execution_error_boundary`). So this is the one place to let an interrupt end the run, to let
    the last attempt end with its own words instead of "Exceeded max_retries", and to say that there will be another.
    """

    def calculate_delay(self, attempt_num: int) -> float:
        """Seconds until the next attempt, at least as many as the server asked for.

        Raises:
            BaseException: What ended the attempt, if there must be no other: an interrupt, or the last failure.
        """
        cause = sys.exception()
        if cause is not None and not isinstance(cause, Exception):
            raise cause
        if attempt_num > self.max_retries and isinstance(cause, dg.Failure):
            raise cause
        asked_for = cause.seconds if isinstance(cause, Outage) else 0.0
        delay = max(float(super().calculate_delay(attempt_num)), min(asked_for, _LONGEST_PAUSE))
        if attempt_num <= self.max_retries:
            # Where the instance's database is away Dagster's handler of our log raises: no reason to give up.
            with suppress(Exception):
                _log.warning(
                    "attempt %d failed, the next one begins in %.0f s: %s", attempt_num, delay, cause
                )
        return delay


# The clients of Genesys Cloud and S3 have repeated single requests for minutes before a step fails: wait for an outage
# to pass. Nothing is half-written by then, so a step can always be run again.
RETRY_AFTER_OUTAGE = RetryAfterOutage(
    max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@contextmanager
def as_failure() -> Iterator[None]:
    """Turn the errors of `genesys`, `records` and `commit` into a `Failure` that is retried only where that can help."""
    try:
        yield
    except GenesysError as error:
        if error.retryable:
            raise Outage(str(error), getattr(error, "retry_after", None) or 0.0) from error
        raise _Final(str(error)) from error
    except CommitRefusedError as error:
        raise (Outage if error.retryable else _Final)(str(error)) from error
    except DecodeError as error:
        raise _Final(str(error)) from error
