"""A page of records as it travels through the program: the server's bytes, and what its envelope says."""

from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import parse_instant
from genesys_dagster.genesys.json_text import read_json
from genesys_dagster.genesys.responses import Response


@dataclass(frozen=True, slots=True)
class Page:
    """One page of detail records.

    Attributes:
        body: The JSON envelope exactly as sent, inflated; `{}` is an empty page.
        records_key: Where the records stand: `conversations` or `userDetails`, or `entities` in the cursor dialect.
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
        has_list: Whether the records stand in a list; without one the answer may be empty or cut down to nothing.
        total_hits: How many records the query has, as the server thinks now.
        next_cursor: Leads to the next page; None on the last.
        available_until: Everything before this instant is in the data lake (job results only).
        mark: The same for pages with the same first and last record; None for a page without records.
    """

    page: Page
    has_list: bool = True
    total_hits: int | None = None
    next_cursor: str | None = None
    available_until: datetime | None = None
    mark: int | None = None


class _Json(msgspec.Struct, rename="camel", gc=False):
    # Raw: the records are skipped, not built. Skipping still proves that the JSON is whole.
    conversations: list[msgspec.Raw] | None = None
    entities: list[msgspec.Raw] | None = None
    user_details: list[msgspec.Raw] | None = None
    total_hits: int | None = None
    cursor: str | None = None
    next_page: str | None = None
    data_availability_date: str | None = None
    message: Any = None
    code: Any = None
    status: Any = None


class _LenientJson(_Json, rename="camel"):
    conversations: list[Any] | None = None
    entities: list[Any] | None = None
    user_details: list[Any] | None = None


_KEYS = ("conversations", "userDetails", "entities")
_decoder = msgspec.json.Decoder(_Json)


def read_envelope(response: Response) -> Envelope:
    """Look at the envelope of a page of either source and either dialect.

    `{}` and missing or null arrays can be empty pages (MyPureCloud/open-data-exporter src/api.js; Genesys developer
    blog, "Analytics conversations API behavior", 2022-04-21); whether they are is for the caller to judge (`whole`).

    Raises:
        MalformedResponseError: The body is not one whole JSON object of that shape, or it is an error's, or the
            status says that there is no page yet.
    """
    if response.status != HTTPStatus.OK:
        raise MalformedResponseError("the answer is not a page of records, its status is not 200")
    said = read_json(response.body, _decoder, _LenientJson)
    found = (said.conversations, said.user_details, said.entities)
    key, records = next(
        (each for each in zip(_KEYS, found, strict=True) if each[1] is not None), (_KEYS[0], None)
    )
    if records is None and said.message is not None and (said.code is not None or said.status is not None):
        # The shape of an error (SDK 269 models/error_body.py) under a status of success.
        raise MalformedResponseError("the answer is an error's, although its status is 200")
    try:
        date = said.data_availability_date
        available_until = parse_instant(date) if date else None
    except ValueError:
        raise MalformedResponseError("the answer holds a dataAvailabilityDate that is no timestamp") from None
    return Envelope(
        page=Page(response.body, key, len(records or ())),
        has_list=records is not None,
        total_hits=said.total_hits,
        # Cursor dialect: the header first, then the body.
        next_cursor=response.headers.get("x-genesys-next-page") or said.next_page or said.cursor or None,
        available_until=available_until,
        mark=_mark(records) if records else None,
    )


def _mark(records: list[Any]) -> int:
    ends = (records[0], records[-1])
    return hash((len(records), *(bytes(end) if isinstance(end, msgspec.Raw) else repr(end) for end in ends)))
