"""Error answers of every kind, read and turned into exceptions by what can be done about them."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from genesys_dagster.genesys.errors import (
    AuthenticationError,
    GenesysError,
    JobLimitError,
    MalformedResponseError,
    PermissionDeniedError,
    RequestRejectedError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.responses import Received, loads

_LONGEST_MESSAGE = 300  # characters of a server's text that are worth repeating
_DETAILS_PATH = "/api/v2/analytics/conversations/details"
# One of the two permissions that allow it (SDK 269 AnalyticsApi.md); the other sees only an agent's own.
_DETAILS_PERMISSION = "analytics:conversationDetail:view"


class _ErrorBody(msgspec.Struct):
    """Fields of Genesys' ErrorBody (SDK 269 models/error_body.py) and of OAuth errors that are worth telling."""

    message: Any = None
    code: Any = None
    contextId: Any = None  # noqa: N815 - the API's name
    limit: Any = None  # key, namespace and value of the limit that was hit (SDK 269 models/limit.py)
    error: Any = None
    description: Any = None
    error_description: Any = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error answer says, in whatever form it came."""

    message: str | None = None
    code: str | None = None
    correlation_id: str | None = None
    limit_key: str | None = None

    def without(self, secrets: Iterable[str]) -> "Complaint":
        """Return the same with every secret blacked out, should a server echo one."""
        message, code = self.message, self.code
        for secret in secrets:
            message = message.replace(secret, "***") if message else message
            code = code.replace(secret, "***") if code else code
        return replace(self, message=message, code=code)


def complaint_of(received: Received) -> Complaint:
    """Read an error answer as received; of a damaged one only the headers speak."""
    try:
        return read_complaint(received.headers, received.content())
    except MalformedResponseError:
        return read_complaint(received.headers, b"")


def read_complaint(headers: Mapping[str, str], body: bytes) -> Complaint:
    """Read an error answer: JSON of the API or of OAuth, an HTML page, plain text or nothing."""
    correlation = headers.get("inin-correlation-id")
    try:
        said = loads(body, _ErrorBody)
    except ValueError:
        return Complaint(message=_prose(body), correlation_id=correlation)
    return Complaint(
        message=_text(said.message)
        or _text(said.description)
        or _text(said.error_description)
        or _text(said.error),
        code=_text(said.code) or _text(said.error),
        correlation_id=_text(said.contextId) or correlation,
        limit_key=_text(said.limit.get("key")) if isinstance(said.limit, dict) else None,
    )


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    words = " ".join(
        value.encode("utf-8", "replace").decode().split()
    )  # lone surrogates cannot be written anywhere
    return words[:_LONGEST_MESSAGE] or None


def _prose(body: bytes) -> str | None:
    text = body[:4096].decode("utf-8", "replace")
    if "<" not in text:
        return _text(text)
    title = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
    return _text(html.unescape(title.group(2))) if title else "an HTML page instead of JSON"


_Verdict = tuple[type[GenesysError], str, str | None]
_ONE_JOB_TOO_MANY: _Verdict = (
    JobLimitError,
    "the organization has as many bulk jobs under way as it may",
    None,
)


def rejection(method: str, path: str, status: int, complaint: Complaint) -> GenesysError:
    """Choose the exception for a status that is not a success.

    Args:
        method: HTTP method.
        path: Path without query.
        status: HTTP status.
        complaint: What the answer said, free of secrets.
    """
    kind, problem, remedy = (
        _ONE_JOB_TOO_MANY
        if _is_one_job_too_many(method, path, status, complaint)
        else _verdict(path, status, complaint)
    )
    return kind(
        problem,
        method=method,
        path=path,
        status=status,
        code=complaint.code,
        message=complaint.message,
        limit_key=complaint.limit_key,
        correlation_id=complaint.correlation_id,
        remedy=remedy,
    )


def _verdict(path: str, status: int, complaint: Complaint) -> _Verdict:
    if status == 401:
        return AuthenticationError, "Genesys Cloud refused a token that it had just issued", None
    if status == 403:
        named = (
            f"{_DETAILS_PERMISSION} is needed"
            if path.startswith(_DETAILS_PATH)
            else "a permission is missing"
        )
        return PermissionDeniedError, f"the OAuth client may not do this ({named})", None
    if status == 429:
        return (
            ServiceUnavailableError,
            "the rate limit is exceeded",
            "Run fewer exports at the same time.",
        )
    # 408 and 5xx are transient (Genesys developer blog, "Resiliency patterns", 2021-06-15).
    if status == 408 or status >= 500:
        return ServiceUnavailableError, "Genesys Cloud is not answering properly", "Try again later."
    if status < 400:
        return (
            RequestRejectedError,
            "the answer is a redirect, which this API does not use",
            "Check GENESYSCLOUD_REGION and GENESYSCLOUD_API_URL.",
        )
    return RequestRejectedError, "Genesys Cloud rejected the request", _advice_on_rejection(status, complaint)


def _is_one_job_too_many(method: str, path: str, status: int, complaint: Complaint) -> bool:
    """Tell whether a job was refused only because too many are under way.

    The limit is called `details.jobs.concurrent.access.max` (organization limits, namespace `analytics`). Neither
    its value nor the answer's status is documented; what is told apart here is any refusal that speaks of it.
    """
    submits = method == "POST" and path == f"{_DETAILS_PATH}/jobs"
    said = f"{complaint.limit_key} {complaint.code} {complaint.message}".lower()
    return submits and 400 <= status < 500 and "concurren" in said


def _advice_on_rejection(status: int, complaint: Complaint) -> str | None:
    if status == 404 and complaint.code is None:  # not an ErrorBody: some other server answered
        return "Check GENESYSCLOUD_REGION and GENESYSCLOUD_API_URL."
    return None
