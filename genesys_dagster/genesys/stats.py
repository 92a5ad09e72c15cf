"""Counters of a client, and what of it OpenTelemetry is told, where a host has that."""

from dataclasses import dataclass

from genesys_dagster import telemetry
from genesys_dagster.genesys.endpoints import endpoint


@dataclass(slots=True)
class ClientStats:
    """What a client has done so far; kept up to date while it works.

    Attributes:
        requests: HTTP requests to the API host, repeats included; logins are not among them.
        retries: Attempts that were repeats after a failure.
        bytes_received: Bytes of bodies as they came over the wire.
        rate_limit_waits: How often a request had to wait for the rate limit.
        rate_limit_seconds: Seconds of that, added up.
        quickest_answer: Seconds from sending a request to having its answer, the least so far: how far away the server
            is. None before the first.
    """

    requests: int = 0
    retries: int = 0
    bytes_received: int = 0
    rate_limit_waits: int = 0
    rate_limit_seconds: float = 0.0
    quickest_answer: float | None = None

    def count_wait(self, seconds: float) -> None:
        """Add one wait for the rate limit."""
        self.rate_limit_waits += 1
        self.rate_limit_seconds += seconds

    def count_answer(self, path: str, status: int | None, size: int, seconds: float) -> None:
        """Take note of an answer: its status, None if there was none, its bytes, and how long it took."""
        telemetry.request(endpoint(path), status, size)
        self.bytes_received += size
        if status is not None:
            self.quickest_answer = min(seconds, self.quickest_answer or seconds)

    def count_retry(self, path: str | None, status: int | None) -> None:
        """Take note that a request is repeated, after an answer of this status or none."""
        telemetry.retry(endpoint(path), status)
        self.retries += 1
