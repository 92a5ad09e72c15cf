"""What of a server's words may be repeated: its phrases, not the secrets and the records that it may quote.

A message of Genesys Cloud is a phrase with values filled in (SDK 269 models/error_body.py: messageWithParams,
messageParams). The phrase tells what to do, the values may be anything that stands in a record. So the rule is: plain
words and short numbers stay, whatever is marked as a value or looks like one goes, unless it is a permission, an id,
an instant or a field that this package itself sends. `Pagination may not exceed 100000 results.`, `Retry the request
in [12] seconds` and the names of missing permissions stay readable.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from http import HTTPStatus
from urllib.parse import quote, quote_plus

from genesys_dagster.genesys.metric_names import COMMON_METRICS

BLANK = "***"
_LONGEST = 300  # characters of a server's text that are worth repeating
_DIGITS = 7  # from so many on a number may be a telephone's, an account's or a card's
_SENT = frozenset(
    [
        "conversationFilters",
        "conversationId",
        "conversationIds",
        "cursor",
        "filter",
        "filters",
        "granularity",
        "groupBy",
        "id",
        "ids",
        "interval",
        "jobId",
        "metrics",
        "order",
        "orderBy",
        "pageNumber",
        "pageSize",
        "pageToken",
        "paging",
        "predicates",
        "segmentFilters",
        "startOfDayIntervalMatching",
        "state",
        "type",
        *COMMON_METRICS,
    ]
)
_PHRASES = frozenset(word for status in HTTPStatus for word in status.phrase.split()) | frozenset(
    [
        "Access",
        "Client",
        "Cloud",
        "Denied",
        "Error",
        "Exceeded",
        "Genesys",
        "Invalid",
        "Limit",
        "Login",
        "Missing",
        "Please",
        "Rate",
        "Retry",
        "The",
    ]
)
_PERMISSION = re.compile(r"[A-Za-z]\w*(?::[A-Za-z*]\w*){2}", re.ASCII)
_SHORT_NUMBER = re.compile(r"-?[0-9]{1,6}")
_IDENTIFIER = re.compile(r"[\w.:-]{1,80}", re.ASCII)
_AUTHORIZATION = re.compile(r"\b(basic|bearer)\s+(?!\*)[^\s,;]+", re.IGNORECASE)
_OBJECT = re.compile(r"\{.*(?:\}|$)", re.DOTALL)
_MARKED = re.compile(
    r"\[(?P<bracket>[^\]]*)(?:\]|$)"
    r"|(?<!\w)(?P<quote>[\"'`\u201c\u2018\u00ab])(?P<quoted>.*?)(?:[\"'`\u201d\u2019\u00bb](?!\w)|$)",
    re.DOTALL,
)
_VALUE = re.compile(
    r"(?P<keep>\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"
    r"|(?P<address>[^\s,;]*@[^\s,;]*)"
    r"|(?P<number>[+(]*[0-9](?:[0-9\s()./-]*[0-9])?)"
    r"|(?P<opaque>[A-Za-z0-9+=_-]{24,})"
    r"|(?P<name>\b[A-Z][a-z]+(?:[ '-][A-Z][a-z]+)+)"
    r"|(?P<foreign>\w*[^\W\x00-\x7f]\w*)"
)


def repeatable(text: str | None) -> str | None:
    """Return the words of a server that may be repeated, in one line of at most 300 characters; None if none."""
    if not text:
        return None
    text = _AUTHORIZATION.sub(rf"\1 {BLANK}", text)
    text = _OBJECT.sub(f"{{{BLANK}}}", text)
    text = _VALUE.sub(_value, _MARKED.sub(_marked, text))
    # A lone surrogate cannot be written to any log.
    words = " ".join(text.encode("utf-8", "replace").decode().split())
    return words[:_LONGEST] or None


def is_harmless(value: str) -> bool:
    """Whether a value in a message is no data: a short number, a permission, a field that we send."""
    return bool(
        value in _SENT or value == BLANK or _SHORT_NUMBER.fullmatch(value) or _PERMISSION.fullmatch(value)
    )


def identifier(text: str | None) -> str | None:
    """Return a code, key or correlation id if it has the form of one, else None."""
    return text if text and _IDENTIFIER.fullmatch(text) else None


@lru_cache(maxsize=16)
def mask_of(*secrets: str) -> Callable[[str], str]:
    """Build what blacks out secrets in every form in which they are sent or may be echoed.

    To be used before a text is cut: a piece of a secret is found no more.
    """
    forms = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    squeezed = [_squeezed(form) for form in forms]
    is_ascii = all(form.isascii() for form in forms)

    @cache
    def pattern() -> re.Pattern[str]:
        # Somebody on the way may have broken the line.
        return re.compile(
            "|".join(r"\s*".join(map(re.escape, form)) for form in forms) or r"(?!)", re.IGNORECASE
        )

    def mask(text: str) -> str:
        # Compiling takes milliseconds for each token, and most texts quote nothing. Only of ASCII is `lower` all of
        # IGNORECASE.
        if is_ascii and text.isascii():
            where = _squeezed(text)
            if not any(form in where for form in squeezed):
                return text
        return pattern().sub(BLANK, text)

    return mask


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


def authorization_pair(client_id: str, client_secret: str) -> str:
    """Id and secret as they are sent to the login service (RFC 7617, 2)."""
    return base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")


def _forms(secret: str) -> Iterator[str]:
    binary = secret.encode("utf-8", "replace")
    for text in (
        secret,
        base64.b64encode(binary).decode().rstrip("="),
        base64.urlsafe_b64encode(binary).decode().rstrip("="),
    ):
        yield from (text, quote(text, safe=""), quote(text), quote_plus(text), html.escape(text))
        yield from (json.dumps(text)[1:-1], repr(text)[1:-1], json.dumps(text)[1:-1].replace("/", r"\/"))


def _marked(match: re.Match[str]) -> str:
    bracket = match["bracket"]
    content = match["quoted"] if bracket is None else bracket
    opening = match[0][0]
    closing = match[0][-1] if len(match[0]) > 1 and not match[0][-1].isalnum() else ""
    values = [value.strip(" \"'") for value in content.split(",")]
    is_kept = not content or all(is_harmless(value) for value in values)
    return match[0] if is_kept else f"{opening}{BLANK}{closing}"


def _value(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "number":
        is_kept = sum(map(str.isdigit, text)) < _DIGITS
    elif kind == "opaque":
        is_kept = text.isalpha() or not any(map(str.isalnum, text))
    elif kind == "name":
        is_kept = _PHRASES.issuperset(re.split(r"[ '-]", text))
    else:
        is_kept = kind == "keep"
    return text if is_kept else BLANK
