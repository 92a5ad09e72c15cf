"""Opaque cursors: a place in a list of rows, readable only by who made it."""

import base64
import binascii

from genesys_dagster.sandbox.api.errors import bad_request


def make_cursor(scope: int, offset: int) -> str:
    """The cursor of row `offset` in the list identified by `scope`."""
    return base64.urlsafe_b64encode(f"{scope:x}:{offset}".encode()).decode()


def read_cursor(scope: int, cursor: str) -> int:
    """The row of a cursor.

    Raises:
        ApiError: 400 `invalid.query.param.value` for a cursor of another list or none at all.
    """
    try:
        of, _, offset = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if int(of, 16) == scope:
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise bad_request("The cursor is not valid for this request.", "invalid.query.param.value")
