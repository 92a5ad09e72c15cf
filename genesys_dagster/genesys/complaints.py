"""Error answers of every kind, read and turned into exceptions by what can be done about them."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from genesys_dagster.genesys.json_text import read_json
from genesys_dagster.genesys.redaction import BLANK, identifier, is_harmless, repeatable
from genesys_dagster.genesys.responses import Received
from genesys_dagster.genesys.settings import DEFAULT_NAMES, SettingNames

_LONGEST_BODY = 65_536  # bytes of an error answer that are looked at
_DETAILS_PATH = "/api/v2/analytics/conversations/details"
# One of the two permissions that allow it (SDK 269 AnalyticsApi.md); the other sees only an agent's own.
_DETAILS_PERMISSION = "analytics:conversationDetail:view"


class _ErrorBody(msgspec.Struct):
    """Fields of Genesys' ErrorBody (SDK 269 models/error_body.py) and of OAuth errors that are worth telling."""

    message: Any = None
    messageParams: Any = None  # noqa: N815 - the API's name; the values that were filled into the message
    entityName: Any = None  # noqa: N815 - the API's name; of a user, a queue and so on
    code: Any = None
    contextId: Any = None  # noqa: N815 - the API's name
    limit: Any = None  # key, namespace and value of the limit that was hit (SDK 269 models/limit.py)
    error: Any = None
    description: Any = None
    error_description: Any = None


_decoder = msgspec.json.Decoder(_ErrorBody)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error answer says, in whatever form it came, free of secrets and data."""

    message: str | None = None
    code: str | None = None
    correlation_id: str | None = None
    limit_key: str | None = None


Mask = Callable[[str], str]


def complaint_of(received: Received, mask: Mask) -> Complaint:
    """Read an error answer as received; of a damaged one only the headers speak."""
    try:
        body = received.content()
    except MalformedResponseError:
        body = b""
    return read_complaint(received.headers, body, mask)


def read_complaint(headers: Mapping[str, str], body: bytes, mask: Mask = str) -> Complaint:
    """Read an error answer: JSON of the API or of OAuth, an HTML page, plain text or nothing.

    Args:
        headers: Header lookup of lower-case names.
        body: The body, inflated.
        mask: Blacks out secrets, should the server echo one; used before anything is cut off.
    """
    correlation = correlation_id(headers, mask)
    try:
        said = read_json(body, _decoder, _ErrorBody)
    except MalformedResponseError:
        return Complaint(message=repeatable(_prose(body, mask)), correlation_id=correlation)
    texts = (said.message, said.description, said.error_description, said.error)
    message = next((mask(text) for text in texts if isinstance(text, str) and text.strip()), None)
    limit = said.limit if isinstance(said.limit, dict) else {}
    return Complaint(
        message=repeatable(_without_values(message, said)),
        code=_identifier(said.code, mask) or _identifier(said.error, mask),
        correlation_id=_identifier(said.contextId, mask) or correlation,
        limit_key=_identifier(limit.get("key"), mask),
    )


def correlation_id(headers: Mapping[str, str], mask: Mask = str) -> str | None:
    """What Genesys support finds a request by (Genesys developer blog, "SDK configuration and logging", 2021-05-06)."""
    return _identifier(headers.get("inin-correlation-id"), mask)


def _identifier(value: object, mask: Mask) -> str | None:
    return identifier(mask(value)) if isinstance(value, str) else None


def _without_values(message: str | None, said: _ErrorBody) -> str | None:
    """The message without what Genesys itself declares to be values in it, unless they are harmless."""
    params = said.messageParams if isinstance(said.messageParams, dict) else {}
    values = {text for text in (*params.values(), said.entityName) if isinstance(text, str) and text.strip()}
    for value in sorted(values, key=len, reverse=True):
        if message and not all(is_harmless(part.strip(" []")) for part in value.split(",")):
            message = message.replace(value, BLANK)
    return message


def _prose(body: bytes, mask: Mask) -> str:
    text = mask(body[:_LONGEST_BODY].decode("utf-8", "replace"))
    if "<" not in text:
        return text
    title = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
    return mask(html.unescape(title.group(2))) if title else "an HTML page instead of JSON"


_Verdict = tuple[type[GenesysError], str, str | None]
_ONE_JOB_TOO_MANY: _Verdict = (
    JobLimitError,
    "the organization has as many bulk jobs under way as it may",
    None,
)
_VERDICTS: dict[int, _Verdict] = {
    # Transient (Genesys developer blog, "Resiliency patterns", 2021-06-15).
    408: (ServiceUnavailableError, "Genesys Cloud did not get the whole request in time", "Try again later."),
    409: (
        RequestRejectedError,
        "the request contradicts what Genesys Cloud is doing at the same time",
        "Run the step again; if it fails again, give Genesys support the correlation id.",
    ),
    413: (
        RequestRejectedError,
        "the request is larger than Genesys Cloud, or a proxy on the way, takes",
        "Look for a proxy or gateway with a limit, or give Genesys support the correlation id.",
    ),
    429: (ServiceUnavailableError, "the rate limit is exceeded", "Run fewer exports at the same time."),
}


def rejection(
    method: str, path: str, status: int, complaint: Complaint, names: SettingNames = DEFAULT_NAMES
) -> GenesysError:
    """Choose the exception for a status that is not a success.

    Args:
        method: HTTP method.
        path: Path without query.
        status: HTTP status.
        complaint: What the answer said, free of secrets.
        names: What the settings to check are called.
    """
    kind, problem, remedy = (
        _ONE_JOB_TOO_MANY
        if _is_one_job_too_many(method, path, status, complaint)
        else _verdict(path, status, complaint, names)
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


def _verdict(path: str, status: int, complaint: Complaint, names: SettingNames) -> _Verdict:
    if status == 401:
        problem = "Genesys Cloud refused a token that it had just issued"
        return AuthenticationError, problem, names.login_advice
    if status == 403:
        named = (
            f"{_DETAILS_PERMISSION} is needed"
            if path.startswith(_DETAILS_PATH)
            else "a permission is missing"
        )
        return PermissionDeniedError, f"the OAuth client may not do this ({named})", None
    if status in _VERDICTS:
        return _VERDICTS[status]
    # Transient (Genesys developer blog, "Resiliency patterns", 2021-06-15).
    if status >= 500:
        return ServiceUnavailableError, "Genesys Cloud is not answering properly", "Try again later."
    address = f"Check {names.region} and {names.api_url}."
    if status < 400:
        return RequestRejectedError, "the answer is a redirect, which this API does not use", address
    is_of_another_server = status == 404 and complaint.code is None  # not an ErrorBody
    return (
        RequestRejectedError,
        "Genesys Cloud rejected the request",
        address if is_of_another_server else None,
    )


def _is_one_job_too_many(method: str, path: str, status: int, complaint: Complaint) -> bool:
    """Tell whether a job was refused only because too many are under way.

    The limit is called `details.jobs.concurrent.access.max` (organization limits, namespace `analytics`). Neither
    its value nor the answer's status is documented; what is told apart here is any refusal that speaks of it.
    """
    submits = method == "POST" and path == f"{_DETAILS_PATH}/jobs"
    said = f"{complaint.limit_key} {complaint.code} {complaint.message}".lower()
    return submits and 400 <= status < 500 and "concurren" in said
