"""Error answers in the shape of Genesys Cloud's `ErrorBody` (SDK 269 models/error_body.py)."""

from typing import Any
from uuid import uuid4

import msgspec
from starlette.responses import Response

# Codes, and most texts, as open-source clients record them (gildas/go-gcloudcx error.go; Genesys Cloud CLI,
# x-inin-error-codes).
TEXTS = {
    "bad.request": (400, "The request could not be understood by the server due to malformed syntax."),
    "invalid.date": (
        400,
        "Dates must be specified as ISO-8601 strings. For example: yyyy-MM-ddTHH:mm:ss.SSSZ",
    ),
    "authentication.required": (401, "No authentication bearer token specified in authorization header."),
    "bad.credentials": (401, "Invalid login credentials."),
    "credentials.expired": (401, "The supplied credentials are expired and cannot be used."),
    "not.found": (404, "The requested resource was not found."),
    "client.timeout": (408, "The client did not produce a request within the server timeout limit."),
    "method.not.allowed": (405, "The method is not allowed for the requested resource."),
    "conflict": (409, "The request conflicts with the current state of the target resource."),
    "unsupported.media.type": (
        415,
        (
            "Unsupported Media Type - Unsupported or incorrect media type, such as an incorrect Content-Type "
            "value in the header."
        ),
    ),
    "internal.server.error": (
        500,
        "The server encountered an unexpected condition which prevented it from fulfilling the request.",
    ),
    "service.unavailable": (
        503,
        (
            "Service Unavailable - The server is currently unavailable (because it is overloaded or down for "
            "maintenance)."
        ),
    ),
    "request.timeout": (504, "The request timed out."),
}


class ApiError(Exception):
    """An answer other than success.

    Args:
        code: Genesys Cloud's code, `not.found`.
        message: The text with parameters filled in; the code's usual text if not given.
        status: HTTP status; the code's usual one if not given.
        template: The text with `{name}` for parameters (`messageWithParams`).
        params: The parameters.
        limit: The limit that was hit: key, namespace, value.
        headers: Further response headers.
    """

    def __init__(  # noqa: PLR0913 - the fields of ErrorBody
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        template: str | None = None,
        params: dict[str, str] | None = None,
        limit: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        usual_status, usual_text = TEXTS.get(code, (400, code))
        self.code = code
        self.message = message or usual_text
        self.status = status or usual_status
        self.template = template or self.message
        self.params = params or {}
        self.limit = limit
        self.headers = headers or {}
        super().__init__(self.message)

    def response(self, correlation_id: str | None = None) -> Response:
        """The HTTP answer."""
        body: dict[str, Any] = {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "messageWithParams": self.template,
            "messageParams": self.params,
            "contextId": correlation_id or str(uuid4()),
            "details": [],
            "errors": [],
        }
        if self.limit:
            body["limit"] = self.limit
        return Response(
            msgspec.json.encode(body), self.status, headers=self.headers, media_type="application/json"
        )


def bad_request(message: str, code: str = "bad.request") -> ApiError:
    """A 400 with its own text."""
    return ApiError(code, message, status=400)


def missing_permission(*any_of: str) -> ApiError:
    """The 403 of a client whose role lacks all of these permissions."""
    permissions = f"[{', '.join(any_of)}]"
    text = "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
    return ApiError(
        "missing.any.permissions",
        text + permissions,
        status=403,
        template=text + "{permissions}",
        params={"permissions": permissions},
    )


def too_many_jobs(allowed: int) -> ApiError:
    """The 429 of a job too many. Only the limit's name is documented; the text and the missing header are a guess."""
    return ApiError(
        "too.many.requests",
        f"The number of concurrent jobs exceeds the maximum of [{allowed}].",
        status=429,
        template="The number of concurrent jobs exceeds the maximum of [{limit}].",
        params={"limit": str(allowed)},
        limit={"key": "details.jobs.concurrent.access.max", "namespace": "analytics", "value": allowed},
    )


def too_many_requests(retry_after: int | None, allowed: int) -> ApiError:
    """The 429 of a used-up rate limit (Genesys developer docs, "Rate limits")."""
    seconds = 60 if retry_after is None else retry_after
    return ApiError(
        "too.many.requests",
        f"Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds",
        status=429,
        template="Rate limit exceeded the maximum. Retry the request in [{retryAfter}] seconds",
        params={"retryAfter": str(seconds)},
        limit={
            "key": "client.credentials.token.rate.per.minute",
            "namespace": "platform.api",
            "value": allowed,
        },
        headers={} if retry_after is None else {"Retry-After": str(retry_after)},
    )
