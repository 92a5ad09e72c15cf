"""OAuth client-credentials tokens: asked for once, shared, renewed in time or when the API refuses them.

How the HTTP request is made is handed in, so this module knows the protocol but no HTTP library.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from genesys_dagster.genesys.clock import Clock
from genesys_dagster.genesys.complaints import complaint_of
from genesys_dagster.genesys.errors import (
    AuthenticationError,
    ConfigurationError,
    GenesysError,
    MalformedResponseError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.json_text import read_json
from genesys_dagster.genesys.redaction import authorization_pair, mask_of
from genesys_dagster.genesys.responses import Received
from genesys_dagster.genesys.settings import ClientSettings, SettingNames
from genesys_dagster.genesys.waits import pause_after_429, retry_after

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Received]]

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path

# Shortest lifetime that an OAuth client can be given (SDK 269 models/o_auth_client.py, accessTokenValiditySeconds:
# 5 minutes to 48 hours). Assumed when the answer does not say: such a token is certainly still good.
SHORTEST_LIFETIME = 300.0  # s
_LONGEST_LIFETIME = 48 * 3600.0  # s; of the same source
_MARGIN = 60.0  # s before expiry; a tenth of the lifetime if that is less


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as issued."""

    access_token: str = field(repr=False)
    expires_in: float = SHORTEST_LIFETIME


class TokenCache:
    """The client's current token, renewed once for all requests that need it.

    Args:
        issue: Asks the login service for a token.
        clock: Tells when a token has to be replaced.
    """

    def __init__(self, issue: Callable[[], Awaitable[Grant]], clock: Clock) -> None:
        self._issue = issue
        self._clock = clock
        self._token: str | None = None
        self._use_until = float("-inf")
        self._renewal: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """Return a token that is not about to expire, asking for one if needed.

        Raises:
            GenesysError: The login failed.
        """
        if self._token is not None and self._clock.monotonic() < self._use_until:
            return self._token
        return await self._renewed()

    async def after_rejection(self, rejected: str) -> str:
        """Return another token than the one that the API just refused with a 401.

        If it was already replaced while that request was under way, the replacement is returned as it is.

        Raises:
            GenesysError: The login failed.
        """
        if self._token == rejected:
            self._token = None
        return await self.current()

    async def aclose(self) -> None:
        """Forget the token and stop a login that is under way."""
        self._token = None
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    async def _renewed(self) -> str:
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._renewal_done)
        # Shielded: one cancelled request must not take the login away from the others.
        return await asyncio.shield(self._renewal)

    async def _renew(self) -> str:
        asked = self._clock.monotonic()
        grant = await self._issue()
        self._token = grant.access_token
        self._use_until = asked + grant.expires_in - min(_MARGIN, grant.expires_in / 10)
        return grant.access_token

    def _renewal_done(self, renewal: asyncio.Task[str]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # everyone who waited has it; without waiters it must not be reported as lost


async def issue_over_http(settings: ClientSettings, post: Post, clock: Clock) -> Grant:
    """Ask the login service for a token (client-credentials grant, RFC 6749, 4.4).

    Args:
        settings: Id, secret and login address.
        post: Sends a POST request of a URL, headers and body.
        clock: Tells how far away a `Retry-After` date is.

    Raises:
        AuthenticationError: Id or secret are wrong.
        ConfigurationError: There is no login service at the address.
        ServiceUnavailableError: It does not answer properly at the moment.
        MalformedResponseError: It answers something else than a token.
    """
    headers = {
        "authorization": f"Basic {authorization_pair(settings.client_id, settings.client_secret)}",
        "content-type": "application/x-www-form-urlencoded",
    }
    received = await post(settings.login_base + TOKEN_PATH, headers, b"grant_type=client_credentials")
    if received.status != 200:
        raise _login_error(settings, received, clock)
    return _read_grant(received.content(), settings.names)


def secrets_of(settings: ClientSettings, token: str = "") -> Callable[[str], str]:
    """Build what blacks out everything secret that is ever sent: the secret, id and secret together, the token."""
    pair = f"{settings.client_id}:{settings.client_secret}"
    return mask_of(pair, settings.client_secret, token)


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


_decoder = msgspec.json.Decoder(_TokenAnswer)


def _read_grant(body: bytes, names: SettingNames) -> Grant:
    try:
        answer = read_json(body, _decoder, _TokenAnswer)
    except MalformedResponseError:
        answer = _TokenAnswer("")
    token, lifetime = answer.access_token, answer.expires_in or 0.0
    if not token or not all("!" <= character <= "~" for character in token):
        # The body is not quoted: it may hold a token.
        raise MalformedResponseError(
            "the login service answered without an access token",
            method="POST",
            path=TOKEN_PATH,
            remedy=f"Check {names.region} and {names.login_url}.",
        )
    return Grant(token, min(lifetime, _LONGEST_LIFETIME) if lifetime > 0 else SHORTEST_LIFETIME)


def _login_error(settings: ClientSettings, received: Received, clock: Clock) -> GenesysError:
    status, complaint = received.status, complaint_of(received, secrets_of(settings))
    message = complaint.message
    if status in {400, 401, 403}:
        return login_refused(settings, status, message, complaint.correlation_id)
    if status in {408, 429} or status >= 500:
        now = clock.now()
        wait = (
            pause_after_429(received.headers, message, now)
            if status == 429
            else retry_after(received.headers, now)
        )
        return ServiceUnavailableError(
            "the login service is not answering properly",
            method="POST",
            path=TOKEN_PATH,
            status=status,
            message=message,
            correlation_id=complaint.correlation_id,
            retry_after=wait,
        )
    return ConfigurationError(
        "the login address leads elsewhere"
        if 300 <= status < 400
        else "there is no Genesys Cloud login service at the login address",
        method="POST",
        path=TOKEN_PATH,
        status=status,
        correlation_id=complaint.correlation_id,
        remedy=f"Check {settings.names.region} and {settings.names.login_url}.",
    )


def login_refused(
    settings: ClientSettings, status: int, message: str | None, correlation_id: str | None = None
) -> AuthenticationError:
    """Build the error for a login that was refused for good.

    Both 400 and 401 are seen for a wrong id or secret (gildas/go-gcloudcx, error.go and login_test.go).
    """
    return AuthenticationError(
        f"the login service of region {settings.region} refused the OAuth client",
        method="POST",
        path=TOKEN_PATH,
        status=status,
        message=message,
        correlation_id=correlation_id,
        remedy=settings.names.login_advice,
    )
