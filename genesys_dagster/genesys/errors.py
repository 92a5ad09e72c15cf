"""Exceptions of the Genesys Cloud client, one class per thing that the reader can do about it.

Every text is one line: what happened, where (method, path without query, status, code, correlation id) and what to
change. No exception ever holds a token, a client secret or the content of a conversation record.
"""

from contextvars import ContextVar
from typing import ClassVar

from genesys_dagster.genesys.redaction import identifier, repeatable

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "DataNotAvailableError",
    "GenesysError",
    "IntervalTooDenseError",
    "JobFailedError",
    "JobLimitError",
    "MalformedResponseError",
    "PaginationLoopError",
    "PermissionDeniedError",
    "RequestRejectedError",
    "ServiceUnavailableError",
    "SubmitUncertainError",
]


last_answer: ContextVar[tuple[str, str | None] | None] = ContextVar("last_answer", default=None)
"""Path and correlation id of the answer that this task got last, for errors about what it said: a job that failed."""


class GenesysError(Exception):
    """Base of everything that this package raises on purpose.

    Attributes:
        retryable: Whether running the whole step again later can succeed without a change by a person.
        method: HTTP method of the request concerned, if there was one.
        path: Path of that request, without host and query.
        status: HTTP status of the answer; None if there was no answer.
        code: Genesys error code, such as `missing.permissions`.
        message: The server's own words, without anything in them that may be data (see `redaction`).
        limit_key: Which limit was hit, such as `client.credentials.token.rate.per.minute`, if the answer says so.
        correlation_id: `contextId` of the error body or the `ININ-Correlation-Id` header; Genesys support asks for it.
        retry_after: Seconds that the server asks to wait before anything like this is sent again, if it said so; never
            more than a day. Whoever repeats the whole step waits that long, too.
        attempts: How many times the request was tried before it was given up; 0 until then.
    """

    retryable: bool = False
    remedy: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913 - the facts of a failed request
        self,
        problem: str,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        code: str | None = None,
        message: str | None = None,
        limit_key: str | None = None,
        correlation_id: str | None = None,
        remedy: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.method = method
        self.path = path
        self.status = status
        self.code = code
        self.message = repeatable(message)
        self.limit_key = limit_key
        self.correlation_id = correlation_id or _correlation_id_of(path)
        self.retry_after = retry_after
        self.attempts = 0
        self.advice = remedy if remedy is not None else self.remedy
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        text = f"{self.problem}: {self.message}" if self.message else self.problem
        where = self._where()
        sentence = f"{text} ({where})" if where else text
        return f"{sentence.rstrip('.')}. {self.advice}" if self.advice else sentence

    def _where(self) -> str:
        parts = [
            " ".join(part for part in (self.method, self.path) if part) if self.path else "",
            f"HTTP {self.status}" if self.status else "",
            identifier(self.code) or "",
            f"limit {self.limit_key}" if identifier(self.limit_key) else "",
            f"correlation id {self.correlation_id}" if identifier(self.correlation_id) else "",
            f"after {self.attempts} attempts" if self.attempts > 1 else "",
        ]
        return ", ".join(part for part in parts if part)


def _correlation_id_of(path: str | None) -> str | None:
    answer = last_answer.get()
    return answer[1] if answer is not None and answer[0] == path else None


class ConfigurationError(GenesysError):
    """A setting is missing or wrong; nothing works until it is changed."""


class AuthenticationError(GenesysError):
    """Genesys Cloud does not accept the OAuth client or the token issued for it."""


class PermissionDeniedError(GenesysError):
    """The OAuth client is known but its roles do not allow the request."""

    remedy = (
        "Add the permission to a role of the OAuth client (Admin > Integrations > OAuth > the client > Roles) "
        "for every division that is to be exported."
    )


class RequestRejectedError(GenesysError):
    """Genesys Cloud understood the request and refuses it; repeating it unchanged is pointless."""

    remedy = "Check what the message names; if that is right, give Genesys support the correlation id."


class ServiceUnavailableError(GenesysError):
    """No usable answer after every allowed attempt: 408, 429, 5xx, time-outs, broken connections.

    Attributes:
        request_sent: False if the connection was never made, so the server cannot have seen the request.
    """

    retryable = True
    request_sent: bool = True


class MalformedResponseError(GenesysError):
    """The answer is cut off or is not what the API promises."""

    remedy = "Try again later; if it stays so, look for a proxy or gateway that changes or cuts off answers."

    retryable = True


class DataNotAvailableError(GenesysError):
    """The data lake behind bulk jobs has not yet received everything before the interval's end."""

    retryable = True


class JobFailedError(GenesysError):
    """A bulk job did not reach FULFILLED."""

    retryable = True


class JobLimitError(GenesysError):
    """As many bulk jobs are under way as the organization may have at once; one of them has to end first."""

    remedy = (
        "Try again when others' jobs have ended, or ask Genesys for more "
        "(organization limit details.jobs.concurrent.access.max)."
    )

    retryable = True


class SubmitUncertainError(GenesysError):
    """A request that must not be made twice may or may not have been carried out."""

    retryable = True


class PaginationLoopError(GenesysError):
    """The server led back to a page that was already read."""


class IntervalTooDenseError(GenesysError):
    """Even the shortest slice of the interval holds more rows than the interactive query can page through."""
