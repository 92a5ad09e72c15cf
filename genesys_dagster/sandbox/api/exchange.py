"""Reading requests and writing answers: JSON bodies, parameters, compression."""

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from genesys_dagster.sandbox.api.errors import ApiError
from genesys_dagster.sandbox.api.pages import compress
from genesys_dagster.sandbox.api.state import state_of

Json = dict[str, Any]

_WORTH_COMPRESSING = 1_000  # bytes


async def json_body(request: Request) -> Json:
    """The JSON object of a request's body.

    Raises:
        ApiError: 415 for another content type, 413 for a body above the limit (512,000 bytes,
            `request.bytes.max` of the platform API), 400 for what is no JSON object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError("unsupported.media.type")
    body = await request.body()
    limit = state_of(request).settings.max_request_bytes
    if len(body) > limit:
        raise ApiError(
            "request.entity.too.large",
            f"The request is over the size limit. Content-Length: {len(body)}, Maximum bytes: {limit}",
            status=413,
        )
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ApiError("bad.request") from None
    if not isinstance(value, dict):
        raise ApiError("bad.request")
    return value


def json_response(value: object, status: int = 200) -> Response:
    """A small JSON answer."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def accepts_gzip(request: Request) -> bool:
    """Whether the answer is to be compressed."""
    return state_of(request).settings.gzip and "gzip" in request.headers.get("accept-encoding", "")


def page_response(body: bytes, *, gzipped: bool, headers: dict[str, str] | None = None) -> Response:
    """An answer whose body is encoded already."""
    answer = Response(body, headers=headers, media_type="application/json")
    if gzipped:
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Vary"] = "Accept-Encoding"
    return answer


async def compressed_response(
    request: Request, body: bytes, headers: dict[str, str] | None = None
) -> Response:
    """An answer, compressed if the client accepts it and it is worth it."""
    gzipped = accepts_gzip(request) and len(body) >= _WORTH_COMPRESSING
    if gzipped:
        body = await run_in_threadpool(compress, body)
    return page_response(body, gzipped=gzipped, headers=headers)
