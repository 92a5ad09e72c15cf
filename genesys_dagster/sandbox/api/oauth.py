"""`POST /oauth/token` and the bearer tokens it hands out.

Client credentials by Basic authentication, as the official SDK sends them (SDK 269 api_client.py), or as
form fields, as some connectors do. Error bodies follow RFC 6749 with `description` (gildas/go-gcloudcx).
"""

import base64
import binascii
import secrets
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.errors import ApiError
from genesys_dagster.sandbox.api.exchange import json_response
from genesys_dagster.sandbox.api.state import State, state_of


async def token(request: Request) -> Response:
    """Hand out an access token."""
    state = state_of(request)
    settings = state.settings
    form = {**request.query_params, **dict(parse_qsl((await request.body()).decode("utf-8", "replace")))}
    if form.get("grant_type") != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "only client_credentials is offered here")
    client_id, client_secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id:
        return _refusal(400, "invalid_request", "client credentials are missing")
    if client_id != settings.client_id:
        return _refusal(400, "invalid_client", "client not found")
    if not secrets.compare_digest(client_secret.encode(), settings.client_secret.encode()):
        # Reported with 400 and with 401 by different clients.
        return _refusal(settings.wrong_secret_status, "invalid_client", "authentication failed")
    access_token = secrets.token_urlsafe(64)
    state.tokens[access_token] = settings.clock() + settings.token_lifetime
    return json_response(
        {"access_token": access_token, "token_type": "bearer", "expires_in": int(settings.token_lifetime)}
    )


def authenticate(state: State, authorization: str | None) -> str:
    """The valid token of an `Authorization` header.

    Raises:
        ApiError: 401 with the code for a missing, unknown or expired token.
    """
    scheme, _, access_token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not access_token:
        raise ApiError("authentication.required")
    expires = state.tokens.get(access_token)
    if expires is None:
        raise ApiError("bad.credentials")
    if state.settings.clock() >= expires:
        raise ApiError("credentials.expired")
    return access_token


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return client_id, client_secret


def _refusal(status: int, error: str, description: str) -> Response:
    return json_response(
        {"error": error, "description": description, "error_description": description}, status
    )


routes = [Route("/oauth/token", token, methods=["POST"])]
