"""`POST /api/v2/analytics/conversations/details/query`: the interactive query, page by page.

Limits: 100 rows a page (singer-io/tap-purecloud, MyPureCloud/open-data-exporter src/api.js), 100,000 rows
deep and intervals of 7 days, 31 with filters (Splunk add-on CHANGELOG 0.2.2 and 0.4.0 quote the errors;
Genesys developer docs, "Conversation detail query"). An answer without rows lacks the array, or is `{}`
(MyPureCloud/open-data-exporter src/api.js, Genesys developer blog 2022-04-21).
"""

from collections import Counter
from zlib import crc32

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.cursors import make_cursor, read_cursor
from genesys_dagster.sandbox.api.errors import ApiError, bad_request
from genesys_dagster.sandbox.api.exchange import (
    accepts_gzip,
    json_body,
    json_response,
    page_response,
)
from genesys_dagster.sandbox.api.filters import Json, dimension_values, has_filters
from genesys_dagster.sandbox.api.pages import compress, page_key, record_bodies
from genesys_dagster.sandbox.api.question import check_length, read_paging, whole_number
from genesys_dagster.sandbox.api.selection import Query
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.rows import Row, decode

PERMISSIONS = ("analytics:conversationDetail:view", "analytics:agentConversationDetail:view")


async def query(request: Request) -> Response:
    """Answer one page of an interactive query."""
    state = state_of(request)
    state.require(*PERMISSIONS)
    body = await json_body(request)
    question = Query.parse(body, overlap=False)
    check_length(question.interval, filtered=has_filters(body))
    size, number = read_paging(state.settings, body)
    gzip = accepts_gzip(request)
    if state.settings.cursor_dialect:
        token = request.query_params.get("pageToken")
        return await run_in_threadpool(_dialect_page, state, question, token, size, gzip=gzip)
    return await run_in_threadpool(_page, state, question, body, size=size, number=number, gzip=gzip)


def _page(  # noqa: PLR0913 - keywords
    state: State, question: Query, body: Json, *, size: int, number: int, gzip: bool
) -> Response:
    now, faults = state.now, state.settings.faults
    rows = state.selector.rows(question, now)
    if not rows:
        return json_response({})
    offset = (number - 1) * max(1, size - faults.duplicates)
    drift = faults.total_hits_drift
    total = len(rows) + (drift[(number - 1) % len(drift)] if drift else 0)
    tail: Json = {"totalHits": max(0, total)}
    if body.get("aggregations"):
        tail["aggregations"] = _aggregations(state, rows, body["aggregations"], now)
    return _answer(state, rows[offset : offset + size], now, "conversations", tail=tail, gzip=gzip)


def _dialect_page(state: State, question: Query, token: str | None, size: int, *, gzip: bool) -> Response:
    """The same in the words of gateways: `entities`, `id`, and a cursor in header and body."""
    now, settings = state.now, state.settings
    rows = state.selector.rows(question, now)
    scope = crc32(repr((question.interval, question.order, question.order_by, question.filters)).encode())
    offset = read_cursor(scope, token) if token else 0
    following = offset + max(1, size - settings.faults.duplicates)
    cursor = make_cursor(scope, following) if following < len(rows) else None
    if settings.faults.repeat_cursor:
        cursor = make_cursor(scope, 0)
    tail = {"nextPage": cursor} if cursor and settings.cursor_in != "header" else {}
    headers = {"X-Genesys-Next-Page": cursor} if cursor and settings.cursor_in != "body" else {}
    return _answer(
        state, rows[offset : offset + size], now, "entities", tail=tail, gzip=gzip, headers=headers
    )


def _answer(  # noqa: PLR0913 - keywords
    state: State,
    rows: list[Row],
    now: int,
    key: str,
    *,
    tail: Json,
    gzip: bool,
    headers: dict[str, str] | None = None,
) -> Response:
    entities = key == "entities"
    faults = state.settings.faults
    last = msgspec.json.encode(tail)

    def make() -> bytes:
        bodies = record_bodies(state.org, rows, now, faults, attributes=False, as_entities=entities)
        head = b'{"%s":[%s]' % (key.encode(), b",".join(bodies)) if bodies or entities else b"{"
        comma = b"," if len(last) > 2 and len(head) > 1 else b""
        page = head + comma + last[1:]
        check_size(state, page)
        return compress(page) if gzip else page

    switches = (faults.unknown_fields, faults.unknown_enums, state.settings.max_response_bytes)
    cache_key = page_key(rows, now, key, last, gzip, switches)
    return page_response(state.pages.get_or_make(cache_key, make), gzipped=gzip, headers=headers)


def check_size(state: State, page: bytes) -> None:
    """Refuse a page above the limit.

    Raises:
        ApiError: 400 `response.entity.too.large`; the text asks for a smaller page (Genesys Cloud CLI,
            x-inin-error-codes).
    """
    limit = state.settings.max_response_bytes
    if limit is not None and len(page) > limit:
        raise ApiError(
            "response.entity.too.large",
            f"The response is over the size limit. Reduce the pageSize. Content-Length: {len(page)}, Maximum bytes: {limit}",
            status=400,
        )


def _aggregations(state: State, rows: list[Row], wanted: list[Json], now: int) -> list[Json]:
    """Counts of a dimension's values (`termFrequency`)."""
    records = [decode(state.org.body(row, now, attributes=False)) for row in rows]
    answers = []
    for each in wanted:
        if not isinstance(each, dict) or each.get("type") != "termFrequency":
            raise bad_request("The sandbox counts terms only: type termFrequency.", "invalid.value")
        dimension = str(each.get("dimension"))
        counts = Counter(
            value for record in records for value in set(map(str, dimension_values(record, dimension)))
        )
        results = [
            {"value": value, "count": count}
            for value, count in counts.most_common(whole_number(each.get("size") or 10, "size"))
        ]
        answers.append(
            {"type": "termFrequency", "dimension": dimension, "count": len(counts), "results": results}
        )
    return answers


routes = [Route("/api/v2/analytics/conversations/details/query", query, methods=["POST"])]
