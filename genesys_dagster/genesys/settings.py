"""Everything about a Genesys Cloud connection that can be set, checked when it is set."""

from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.regions import hosts

AuthMethod = Literal["http", "sdk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Connection settings. The secret never appears in the repr.

    Attributes:
        client_id: Id of an OAuth client with the grant type Client Credentials.
        client_secret: Its secret.
        region: AWS region name or domain of the organization.
        api_url: Base URL instead of the region's API host.
        login_url: Base URL instead of the region's login host.
        auth: Who asks for the token: this package (`http`) or the official SDK (`sdk`).
        max_concurrency: Requests in flight at the same time, at most.
        requests_per_minute: Requests in any minute, at most. 300 per token is the documented platform limit
            (Genesys developer blog, "Caching in Architect flows", 2021-02-03).
        request_timeout: Seconds for one request and its whole answer, once connected.
        connect_timeout: Seconds for making the connection.
        max_attempts: Tries per request that ends in 408, 429, 5xx or a broken connection.
        initial_backoff: Seconds before the first repeat; doubles from there, with up to as much jitter again.
        max_backoff: Seconds before a repeat, at most.
        max_retry_after: Seconds of `Retry-After` that are waited for in place; more ends the request with an error.

    Raises:
        ConfigurationError: A value is missing or out of range.
    """

    client_id: str
    client_secret: str = field(repr=False)
    region: str = "us-east-1"
    api_url: str | None = None
    login_url: str | None = None
    auth: AuthMethod = "http"
    max_concurrency: int = 10
    requests_per_minute: int = 300
    request_timeout: float = 120.0
    connect_timeout: float = 10.0
    max_attempts: int = 8
    initial_backoff: float = 0.5
    max_backoff: float = 60.0
    max_retry_after: float = 900.0

    def __post_init__(self) -> None:
        _check_credentials(self.client_id, self.client_secret)
        if self.auth not in get_args(AuthMethod):
            raise ConfigurationError(f"auth is {self.auth!r}", remedy='Use auth="http" or auth="sdk".')
        for name in ("max_concurrency", "requests_per_minute", "max_attempts"):
            _check_minimum(name, getattr(self, name), 1)
        for name in ("initial_backoff", "max_backoff", "max_retry_after"):
            _check_minimum(name, getattr(self, name), 0)
        for name in ("request_timeout", "connect_timeout"):
            _check_minimum(name, getattr(self, name), 0.001)
        _ = self.api_base, self.login_base  # a wrong region or URL is reported now, not on the first request

    @property
    def api_base(self) -> str:
        """Base URL of the API, without a trailing slash."""
        if self.api_url is not None:
            return _checked_url("GENESYSCLOUD_API_URL", self.api_url)
        return hosts(self.region).api_url

    @property
    def login_base(self) -> str:
        """Base URL of the login service, without a trailing slash."""
        if self.login_url is not None:
            return _checked_url("GENESYSCLOUD_LOGIN_URL", self.login_url)
        return hosts(self.region).login_url


def _check_credentials(client_id: str, client_secret: str) -> None:
    values = {"GENESYSCLOUD_OAUTHCLIENT_ID": client_id, "GENESYSCLOUD_OAUTHCLIENT_SECRET": client_secret}
    missing = [name for name, value in values.items() if not value.strip()]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty",
            remedy="Set the id and secret of an OAuth client with the grant type Client Credentials.",
        )


def _check_minimum(name: str, value: float, minimum: float) -> None:
    if not value >= minimum:
        raise ConfigurationError(f"{name} is {value}", remedy=f"Use a number not below {minimum}.")


def _checked_url(name: str, url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{name} is not a base URL",
            remedy="Write it as https://host or https://host/prefix, without a query.",
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"{name} contains a user name or password", remedy="Remove the part before the @ sign."
        )
    return url.strip().rstrip("/")
