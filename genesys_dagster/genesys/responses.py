"""What comes back over the wire: answers as received, and their bodies inflated and decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isal import isal_zlib

from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.json_text import read_object

_GZIP = 16 + isal_zlib.MAX_WBITS


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
        said = read_object(self.body)
        status = said.get("status")
        if "message" in said and isinstance(status, int) and status >= 400:
            # The shape of an error (SDK 269 models/error_body.py) under a status of success.
            raise MalformedResponseError("the answer is an error's, although its status is not")
        return said


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
