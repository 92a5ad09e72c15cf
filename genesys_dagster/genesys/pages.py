"""A page of records as it travels through the program: the server's bytes, and what its envelope says."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import parse_instant
from genesys_dagster.genesys.responses import Response


@dataclass(frozen=True, slots=True)
class Page:
    """One page of conversation detail records.

    Attributes:
        body: The JSON envelope exactly as sent, inflated; `{}` is an empty page.
        records_key: Where the records stand: `conversations`, or `entities` in the cursor dialect.
        records: How many records it holds.
        number: Position in the order of delivery, from 1.
    """

    body: bytes = field(repr=False)
    records_key: str
    records: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Envelope:
    """A page with everything around its records.

    Attributes:
        page: The page itself.
        total_hits: How many records the query has, as the server thinks now.
        next_cursor: Leads to the next page; None on the last.
        available_until: Everything before this instant is in the data lake (job results only).
    """

    page: Page
    total_hits: int | None = None
    next_cursor: str | None = None
    available_until: datetime | None = None


class _Json(msgspec.Struct, rename="camel", gc=False):
    # Raw: the records are skipped, not built. Skipping still proves that the JSON is whole.
    conversations: list[msgspec.Raw] | None = None
    entities: list[msgspec.Raw] | None = None
    total_hits: int | None = None
    cursor: str | None = None
    next_page: str | None = None
    data_availability_date: str | None = None


class _LenientJson(_Json, rename="camel"):
    conversations: list[Any] | None = None
    entities: list[Any] | None = None


_decoder = msgspec.json.Decoder(_Json)


def _scan(body: bytes) -> _Json:
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        # The standard library is slower but also takes what JSON allows and msgspec does not: lone surrogates
        # (RFC 8259, 8.2) and numbers beyond a double. What is no whole JSON at all fails here again.
        return msgspec.convert(json.loads(body, parse_constant=_reject), _LenientJson, strict=False)


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def read_envelope(response: Response) -> Envelope:
    """Look at the envelope of a page of either source and either dialect.

    `{}` and missing or null arrays are empty pages (MyPureCloud/open-data-exporter src/api.js; Genesys developer
    blog, "Analytics conversations API behavior", 2022-04-21).

    Raises:
        MalformedResponseError: The body is not one whole JSON object of that shape.
    """
    try:
        said = _scan(response.body)
        available = said.data_availability_date
        available_until = parse_instant(available) if available else None
    except ValueError:  # msgspec's errors are ValueErrors too
        raise MalformedResponseError("the answer is not a whole page of records") from None
    in_entities = said.conversations is None and said.entities is not None
    records = said.entities if in_entities else said.conversations
    page = Page(response.body, "entities" if in_entities else "conversations", len(records or ()))
    # Cursor dialect: the header first, then the body.
    next_cursor = response.headers.get("x-genesys-next-page") or said.next_page or said.cursor or None
    return Envelope(page, said.total_hits, next_cursor, available_until)
