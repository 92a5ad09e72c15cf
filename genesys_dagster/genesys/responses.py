"""What comes back over the wire: answers as received, and their bodies inflated and decoded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from isal import isal_zlib

from genesys_dagster.genesys.errors import MalformedResponseError

T = TypeVar("T")
_GZIP = 16 + isal_zlib.MAX_WBITS
_LONGEST_INTEGER = 4000  # digits; the interpreter refuses to read more than 4,300


def loads(body: bytes, shape: type[T], lenient: type[T] | None = None) -> T:
    """Read a JSON text: the one reader of everything that the API and the login service answer.

    Args:
        body: The text in UTF-8.
        shape: What it must be.
        lenient: The same without `msgspec.Raw`, if `shape` has any: what only the standard library can read cannot
            be kept raw.

    Raises:
        ValueError: It is not one whole JSON text of that shape. The message may quote it: do not repeat it.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors too
        pass
    # The standard library is slower but also takes what JSON allows and msgspec does not: lone surrogates (RFC 8259,
    # 8.2) and numbers beyond a double. What is no whole JSON at all, or has another shape, fails here again.
    try:
        value = json.loads(body, parse_constant=_reject, parse_int=_integer)
        return msgspec.convert(value, lenient or shape, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """Any answer, with its body as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    def content(self) -> bytes:
        """Return the body, inflated.

        Raises:
            MalformedResponseError: It is cut off or damaged.
        """
        return inflate(self.raw, self.headers.get("content-encoding"))


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """A successful answer.

    Attributes:
        status: HTTP status, 200 to 299.
        headers: Header lookup, blind to upper and lower case.
        body: The body, inflated.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Decode the body, which must be a JSON object; a 202 or 204 without a body is an empty one.

        Raises:
            MalformedResponseError: It is something else.
        """
        if self.status in {202, 204} and not self.body:
            return {}
        try:
            return loads(self.body, dict[str, Any])
        except ValueError:
            raise MalformedResponseError("the answer is not a whole JSON object") from None


def inflate(body: bytes, encoding: str | None) -> bytes:
    """Undo the content encoding.

    Args:
        body: Bytes as received.
        encoding: `Content-Encoding` header.

    Returns:
        The content. gzip carries its own checksum and length, so a body cut off by a proxy does not pass.

    Raises:
        MalformedResponseError: The body is cut off or damaged, or the encoding was not asked for.
    """
    name = (encoding or "identity").strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in {"gzip", "x-gzip"}:
        raise MalformedResponseError(
            f"the answer is encoded as {name}, but gzip was asked for",
            remedy="Look for a proxy that rewrites answers.",
        )
    return _gunzip(body) if body else b""


def _gunzip(body: bytes) -> bytes:
    members: list[bytes] = []
    while body:
        inflater = isal_zlib.decompressobj(wbits=_GZIP)
        try:
            members.append(inflater.decompress(body))
        except isal_zlib.error:  # type: ignore[misc]  # the stub declares an instance
            raise MalformedResponseError("the gzip body of the answer is damaged") from None
        if not inflater.eof:
            raise MalformedResponseError("the gzip body of the answer is cut off")
        body = inflater.unused_data
    return members[0] if len(members) == 1 else b"".join(members)
