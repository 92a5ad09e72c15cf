"""Which failed requests are tried again, and how long to wait in between."""

import random

from genesys_dagster.genesys.errors import (
    GenesysError,
    MalformedResponseError,
    ServiceUnavailableError,
    SubmitUncertainError,
)
from genesys_dagster.genesys.settings import ClientSettings


def seconds_to_repeat(
    error: GenesysError, tried: int, settings: ClientSettings, most: int | None = None
) -> float | None:
    """Decide on repeating a request that failed.

    Args:
        error: What happened.
        tried: How many times it was tried.
        settings: How often, and how long to wait.
        most: Attempts at most, instead of the settings'.

    Returns:
        Seconds to wait: what the server asks for, but never less than the client's own pause, which grows, so that
        `Retry-After: 0` does not burn all attempts in a moment. None: it is not repeated.
    """
    is_final = error.attempts > 0  # a login on the way has attempts of its own
    if is_final or tried >= (most or settings.max_attempts):
        return None
    if not isinstance(error, (ServiceUnavailableError, MalformedResponseError)):
        return None
    asked = error.retry_after or 0.0
    if asked > settings.max_retry_after:
        return None
    return max(_own_pause(tried, settings), asked)


def _own_pause(tried: int, settings: ClientSettings) -> float:
    """Exponential, with as much jitter as the first pause is long (as stamina and tenacity do it)."""
    jitter = random.uniform(0, settings.initial_backoff)  # noqa: S311 - spreads requests, hides nothing
    return min(settings.max_backoff, settings.initial_backoff * 2.0 ** min(tried - 1, 60) + jitter)


def certainly_not_carried_out(error: GenesysError) -> bool:
    """Tell whether the server cannot have acted on a request that failed: it was turned away, or never sent."""
    is_of_the_login = error.attempts > 0
    is_unsent = isinstance(error, ServiceUnavailableError) and not error.request_sent
    return error.status == 429 or is_of_the_login or is_unsent


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
        retry_after=error.retry_after,
        remedy="Run the step again: a bulk job left behind by this attempt does no harm and expires.",
    )
