"""Which failed requests are tried again, and how long to wait in between."""

from collections.abc import AsyncIterable

import stamina

from genesys_dagster.genesys.errors import (
    GenesysError,
    MalformedResponseError,
    ServiceUnavailableError,
    SubmitUncertainError,
)
from genesys_dagster.genesys.oauth import TOKEN_PATH
from genesys_dagster.genesys.settings import ClientSettings


def attempts(settings: ClientSettings) -> AsyncIterable[stamina.Attempt]:
    """Iterate over the attempts of one request: exponential back-off with jitter, up to the settings' limits.

    Stamina (a maintained library on top of tenacity) counts, waits and lets the last error through.
    """

    def again(error: Exception) -> bool | float:
        if isinstance(error, GenesysError) and error.given_up:  # a login on the way has attempts of its own
            return False
        if isinstance(error, ServiceUnavailableError):
            return _after_unavailable(error, settings.max_retry_after)
        return isinstance(error, MalformedResponseError)

    return stamina.retry_context(
        on=again,
        attempts=settings.max_attempts,
        timeout=None,
        wait_initial=settings.initial_backoff,
        wait_jitter=settings.initial_backoff,
        wait_max=settings.max_backoff,
    )


def _after_unavailable(error: ServiceUnavailableError, longest: float) -> bool | float:
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= longest else False


def certainly_not_carried_out(error: GenesysError) -> bool:
    """Tell whether the server cannot have acted on a request that failed: it was turned away, or never sent."""
    if error.status == 429 or error.path == TOKEN_PATH:
        return True
    return isinstance(error, ServiceUnavailableError) and not error.request_sent


def uncertain(error: GenesysError) -> SubmitUncertainError:
    """Say of a request that must not be made twice that nobody knows whether it was carried out."""
    return SubmitUncertainError(
        f"{error.problem}, so nobody knows whether this was carried out; it is not repeated by itself",
        method=error.method,
        path=error.path,
        status=error.status,
        code=error.code,
        message=error.message,
        correlation_id=error.correlation_id,
        remedy="Run the step again: a bulk job left behind by this attempt does no harm and expires.",
    )
