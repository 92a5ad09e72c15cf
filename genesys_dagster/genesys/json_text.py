"""JSON of the API, read in one way everywhere: fast where it is plain, and tolerant of all that JSON allows."""

import json
from typing import Any, TypeVar

import msgspec

from genesys_dagster.genesys.errors import MalformedResponseError

T = TypeVar("T")
_any_object = msgspec.json.Decoder(dict[str, Any])


def read_json(body: bytes, decoder: msgspec.json.Decoder[T], lenient: type[T]) -> T:
    """Decode a body.

    Args:
        body: The text.
        decoder: Reads it fast.
        lenient: What to make of a text that the decoder refuses and JSON allows: lone surrogates (RFC 8259, 8.2),
            numbers beyond a double.

    Raises:
        MalformedResponseError: It is no JSON, or has another shape.
    """
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        pass
    try:
        return msgspec.convert(json.loads(body, parse_constant=_reject), lenient, strict=False)
    except (ValueError, RecursionError, OverflowError):
        raise MalformedResponseError("the answer is not whole JSON of the shape expected") from None


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body that must be a JSON object.

    Raises:
        MalformedResponseError: It is something else.
    """
    return read_json(body, _any_object, dict[str, Any])


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
