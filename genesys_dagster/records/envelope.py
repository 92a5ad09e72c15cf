"""A page as plain Python objects, for records that are looked at one value at a time."""

import json
from decimal import Decimal
from typing import Any

import msgspec

from genesys_dagster.records.errors import DecodeError

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def records_of(page: bytes, records_key: str) -> list[dict[str, Any]]:
    """The records of a page, each with its id in `conversationId`; numbers with a fraction are exact decimals.

    Raises:
        DecodeError: the page is not a JSON object with a list of conversations under `records_key`.
    """
    return [_identified(record, records_key) for record in objects_of(page, records_key)]


def objects_of(page: bytes, key: str, what: str = "conversations") -> list[dict[str, Any]]:
    """The objects that a page lists under a key; numbers with a fraction are exact decimals.

    Raises:
        DecodeError: The page is not a JSON object with a list of objects under `key`; null and nothing are an empty one.
    """
    envelope = _parse(page)
    if not isinstance(envelope, dict):
        raise DecodeError(
            "A response is JSON, but not an object: is the API URL that of a Genesys Cloud API?"
        )
    found = envelope.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise DecodeError(f"A response holds under {key!r} something else than a list of {what}.")
    return found


def _parse(page: bytes) -> Any:
    try:
        return _DECODER.decode(page)
    except (ValueError, RecursionError):  # stricter than the standard library about lone surrogates
        pass
    try:
        return json.loads(page, parse_float=Decimal, parse_constant=_reject)
    except (ValueError, RecursionError):  # its message would repeat a piece of the page
        raise DecodeError(f"A response of {len(page)} bytes is not JSON.") from None


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _identified(record: dict[str, Any], records_key: str) -> dict[str, Any]:
    if records_key == "entities" and "conversationId" not in record and "id" in record:
        record["conversationId"] = record.pop("id")
    if not is_text(record.get("conversationId")):
        raise DecodeError("A record has no conversationId: this is not a page of conversation details.")
    return record


def is_text(value: Any) -> bool:
    """Whether a value is text that Parquet can hold."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate: JSON can escape one, UTF-8 cannot hold it
        return False
    return True
