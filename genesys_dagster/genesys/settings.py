"""Everything about a Genesys Cloud connection that can be set, checked when it is set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, get_args
from urllib.parse import urlsplit

from genesys_dagster.genesys.errors import ConfigurationError
from genesys_dagster.genesys.rate_limit_stores import check_store
from genesys_dagster.genesys.regions import hosts

AuthMethod = Literal["http", "sdk"]
_QUOTES = "'\"`\u2018\u2019\u201c\u201d"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingNames:
    """What the settings that tell one org from another are called where they are set, for the texts of errors."""

    client_id: str = "GENESYSCLOUD_OAUTHCLIENT_ID"
    client_secret: str = "GENESYSCLOUD_OAUTHCLIENT_SECRET"  # noqa: S105 - a name
    region: str = "GENESYSCLOUD_REGION"
    api_url: str = "GENESYSCLOUD_API_URL"
    login_url: str = "GENESYSCLOUD_LOGIN_URL"
    rate_limit_store: str = "GENESYS_RATE_LIMIT_STORE"

    @property
    def login_advice(self) -> str:
        """What to check when a login or its token is refused."""
        return (
            f"Check {self.client_id} and {self.client_secret}, that the OAuth client uses the grant type Client "
            f"Credentials, and that {self.region} is the region of its organization."
        )


DEFAULT_NAMES = SettingNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Connection settings. The secret never appears in the repr.

    Attributes:
        client_id: Id of an OAuth client with the grant type Client Credentials.
        client_secret: Its secret.
        region: AWS region name or domain of the organization.
        api_url: Base URL instead of the region's API host.
        login_url: Base URL instead of the region's login host.
        rate_limit_store: Address of the store in which all processes that use the OAuth client keep one rate limit
            together; without it each keeps its own.
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
        names: What the first six are called where they are set; errors name them so.

    Raises:
        ConfigurationError: A value is missing or out of range.
    """

    client_id: str
    client_secret: str = field(repr=False)
    region: str = "us-east-1"
    api_url: str | None = None
    login_url: str | None = None
    rate_limit_store: str | None = field(default=None, repr=False)
    auth: AuthMethod = "http"
    max_concurrency: int = 10
    requests_per_minute: int = 300
    request_timeout: float = 120.0
    connect_timeout: float = 10.0
    max_attempts: int = 8
    initial_backoff: float = 0.5
    max_backoff: float = 60.0
    max_retry_after: float = 900.0
    names: SettingNames = DEFAULT_NAMES

    def __post_init__(self) -> None:
        _check_credentials(
            {self.names.client_id: self.client_id, self.names.client_secret: self.client_secret}
        )
        if ":" in self.client_id:  # it separates id and secret in what is sent (RFC 7617, 2)
            raise ConfigurationError(
                f"{self.names.client_id} holds a colon",
                remedy=f"Set the id alone, and the secret in {self.names.client_secret}.",
            )
        if self.auth not in get_args(AuthMethod):
            raise ConfigurationError(f"auth is {self.auth!r}", remedy='Use auth="http" or auth="sdk".')
        for name in ("max_concurrency", "requests_per_minute", "max_attempts"):
            _check_number(name, getattr(self, name), 1)
        for name in ("initial_backoff", "max_backoff", "max_retry_after"):
            _check_number(name, getattr(self, name), 0)
        for name in ("request_timeout", "connect_timeout"):
            _check_number(name, getattr(self, name), 0.001)
        if self.rate_limit_store:
            check_store(self.rate_limit_store, self.names.rate_limit_store)
        _ = self.api_base, self.login_base  # a wrong region or URL is reported now, not on the first request

    @property
    def api_base(self) -> str:
        """Base URL of the API, without a trailing slash."""
        if self.api_url is not None:
            return _checked_url(self.names.api_url, self.api_url)
        return hosts(self.region, self.names.region).api_url

    @property
    def login_base(self) -> str:
        """Base URL of the login service, without a trailing slash."""
        if self.login_url is not None:
            return _checked_url(self.names.login_url, self.login_url)
        return hosts(self.region, self.names.region).login_url


def _check_credentials(values: Mapping[str, str]) -> None:
    missing = [name for name, value in values.items() if not value.strip()]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty",
            remedy="Set the id and secret of an OAuth client with the grant type Client Credentials.",
        )
    for name, value in values.items():
        if problem := _problem_of_credential(value):
            raise ConfigurationError(
                f"{name} {problem}",
                remedy="Copy it again from Admin > Integrations > OAuth, without anything around it.",
            )


def _problem_of_credential(value: str) -> str | None:
    """What cannot be part of an id or secret; never the value itself. Genesys issues printable ASCII (inferred)."""
    if value != value.strip():
        return "begins or ends with a blank or a line break"
    if value[0] in _QUOTES or value[-1] in _QUOTES:
        return "has quotes around it"
    if any(character.isspace() for character in value):
        return "holds a blank or a line break"
    if not all("!" <= character <= "~" for character in value):
        return "holds characters that no id or secret of Genesys Cloud has, such as accents or control characters"
    return None


def _check_number(name: str, value: float, minimum: float) -> None:
    if not (isfinite(value) and value >= minimum):
        raise ConfigurationError(f"{name} is {value}", remedy=f"Use a number not below {minimum:g}.")


def _checked_url(name: str, url: str) -> str:
    """Return a base URL without trailing slash; what is wrong with it is said without quoting it."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise _no_base_url(name) from None
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            f"{name} contains a user name or password", remedy="Remove the part before the @ sign."
        )
    is_base = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
    if not is_base or any(character.isspace() for character in url.strip()):
        raise _no_base_url(name)
    path = parts.path.rstrip("/")
    for ours in ("/api/v2", "/oauth/token"):
        if path.endswith(ours):
            raise ConfigurationError(
                f"{name} ends with {ours}, which is added to it", remedy=f"Leave out {ours} at the end."
            )
    return url.strip().rstrip("/")


def _no_base_url(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is not a base URL",
        remedy="Write it as https://host or https://host/prefix, without a query.",
    )
