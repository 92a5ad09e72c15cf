"""The faults of the API: what each makes of a right answer."""

import gzip
from dataclasses import replace
from datetime import timedelta

from genesys_dagster_tests.reliability import org as orgs
from genesys_dagster_tests.reliability.api import Answer, Api, Request, refusal
from genesys_dagster_tests.reliability.server import Fault


def _reset(answer: Answer, *_: object) -> Answer:
    return replace(answer, reset=True)


def _reset_in_the_body(answer: Answer, *_: object) -> Answer:
    return replace(answer, raw=answer.body() or b"{}" * 50, cut=len(answer.body()) // 2, gzip=False)


def _truncated_gzip(answer: Answer, *_: object) -> Answer:
    packed = gzip.compress(answer.body() or b"{}")
    return replace(answer, raw=packed[: len(packed) * 2 // 3], headers={"content-encoding": "gzip"})


def _truncated_json(answer: Answer, *_: object) -> Answer:
    body = answer.body() or b"{}"
    return replace(answer, raw=body[: len(body) * 2 // 3])


def _html(answer: Answer, *_: object) -> Answer:
    page = b"<html><body><h1>Sign in</h1></body></html>"
    return Answer(200, raw=page, headers={"content-type": "text/html"})


def _says(status: int, said: object = None, *, raw: bytes | None = None, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: Answer(status, said, raw=raw, headers=sent)


def _refuses(status: int, code: str, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: replace(refusal(status, code, "made up"), headers=sent)


def _silent(answer: Answer, *_: object) -> Answer:
    return replace(answer, silent=True)


def _stalled(answer: Answer, *_: object) -> Answer:
    return replace(answer, raw=answer.body() or b"{}" * 50, stall=len(answer.body()) // 2, gzip=False)


_PAST = "Wed, 21 Oct 2015 07:28:00 GMT"

WIRE: dict[str, Fault | str] = {
    "connection refused": "refused",
    "reset before the answer": _reset,
    "reset in the body": _reset_in_the_body,
    "truncated gzip": _truncated_gzip,
    "truncated JSON": _truncated_json,
    "HTML with 200": _html,
    "empty body": _says(200, raw=b""),
    "`{}`": _says(200, {}),
    "202 `{}`": _says(202, {}),
    "error body with 200": lambda *_: replace(refusal(500, "internal.error", "made up"), status=200),
    "401": _refuses(401, "bad.credentials"),
    "403": _refuses(403, "missing.any.permissions"),
    "404": _refuses(404, "not.found"),
    "408": _refuses(408, "request.timeout"),
    "409": _refuses(409, "conflict"),
    "413": _refuses(413, "request.entity.too.large"),
    "429": _refuses(429, "too.many.requests"),
    "429, Retry-After 1": _refuses(429, "too.many.requests", retry_after="1"),
    "429, Retry-After 0": _refuses(429, "too.many.requests", retry_after="0"),
    "429, Retry-After in the past": _refuses(429, "too.many.requests", retry_after=_PAST),
    "429, Retry-After 43200": _refuses(429, "too.many.requests", retry_after="43200"),
    "429, Retry-After is text": _refuses(429, "too.many.requests", retry_after="soon"),
    "429, reset in epoch seconds": _refuses(
        429, "too.many.requests", inin_ratelimit_allowed="300", inin_ratelimit_count="301", inin_ratelimit_reset="1795600000"
    ),
    "500": _refuses(500, "internal.server.error"),
    "502": _says(502, raw=b"<html>Bad Gateway</html>"),
    "503": _refuses(503, "service.unavailable"),
    "504": _refuses(504, "gateway.timeout"),
}  # fmt: skip
SLOW: dict[str, Fault | str] = {"silent before the answer": _silent, "stalled body": _stalled}


def _state(name: str) -> Fault:
    return lambda *_: Answer(said={"state": name})


JOB_STATES: dict[str, Fault | str] = {
    f"job {name}": _state(name) for name in ("FAILED", "CANCELLED", "EXPIRED", "PAUSED")
}


def _repeated_cursor(answer: Answer, request: Request, _: Api) -> Answer:
    return replace(answer, said=answer.said | {"cursor": request.params.get("cursor", "after-0")})


def _endless_cursor(*, empty: bool) -> Fault:
    def fault(answer: Answer, request: Request, _: Api) -> Answer:
        number = int(request.params.get("cursor", "after-0").rpartition("-")[2])
        said = dict(answer.said) | {"cursor": f"more-{number + 1}"}
        if empty:
            said["conversations"] = []
        return replace(answer, said=said)

    return fault


def _without(name: str) -> Fault:
    return lambda answer, *_: replace(answer, said={k: v for k, v in answer.said.items() if k != name})


def _null_records(answer: Answer, *_: object) -> Answer:
    return replace(answer, said=answer.said | {"conversations": None})


def _fewer_records(answer: Answer, *_: object) -> Answer:
    return replace(answer, said=answer.said | {"conversations": answer.said.get("conversations", [])[:-12]})


def _same_page_again(answer: Answer, request: Request, api: Api) -> Answer:
    """The first page once more, under the right cursor."""
    first = api.answer(replace(request, params={**request.params, "cursor": "after-0"}))
    return replace(answer, said=answer.said | {"conversations": first.said["conversations"]})


RESULTS: dict[str, Fault | str] = {
    "repeated cursor": _repeated_cursor,
    "endless cursor, empty pages": _endless_cursor(empty=True),
    "endless cursor, same page": _endless_cursor(empty=False),
    "lost cursor": _without("cursor"),
    "another page's records": _same_page_again,
}
PAGES: dict[str, Fault | str] = {
    "records null": _null_records,
    "records missing": _without("conversations"),
    "a dozen records missing": _fewer_records,
}


def _hits(change: int) -> Fault:
    return lambda answer, *_: replace(
        answer, said=answer.said | {"totalHits": max(0, answer.said.get("totalHits", 0) + change)}
    )


def _rows_vanish(answer: Answer, _: Request, api: Api) -> Answer:
    api.vanished += api.org.day[:7]
    del api.org.day[:7]
    return answer


def _rows_appear(answer: Answer, _: Request, api: Api) -> Answer:
    api.appeared = [orgs.conversation(f"n{number:04d}", orgs.START) for number in range(7)]
    api.org.day[:0] = api.appeared
    return answer


QUERY: dict[str, Fault | str] = {
    "totalHits 3 higher": _hits(3),
    "totalHits 3 lower": _hits(-3),
    "totalHits 0": _hits(-(10**6)),
    "totalHits absent": _without("totalHits"),
    "rows vanish in front": _rows_vanish,
    "rows appear in front": _rows_appear,
}


def _watermark(hours: float) -> Fault:
    return lambda *_: Answer(said={"dataAvailabilityDate": orgs.instant(orgs.START + timedelta(hours=hours))})


def _watermark_back(*, told: bool) -> Fault:
    """The lake behind the jobs steps back after the check: jobs see only the morning."""

    def fault(answer: Answer, request: Request, api: Api) -> Answer:
        api.org.available_until = orgs.START + timedelta(hours=11)
        limit = orgs.instant(api.org.available_until)
        api.org.day = [record for record in api.org.day if record["conversationStart"] < limit]
        api.tells_availability = told
        return answer

    return fault


WATERMARK: dict[str, Fault | str] = {
    "watermark in the day": _watermark(11),
    "watermark absent": _says(200, {"nothing": 1}),
    "watermark unreadable": _says(200, {"dataAvailabilityDate": "yesterday"}),
    "watermark steps back, told": _watermark_back(told=True),
    "watermark steps back, not told": _watermark_back(told=False),
}
