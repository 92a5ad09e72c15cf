"""The OAuth token through the official SDK, for those who must use it.

`PureCloudPlatformClientV2` takes seconds and hundreds of megabytes to import, so it is imported here alone and only
when a token is asked for.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from genesys_dagster.genesys.errors import (
    ConfigurationError,
    GenesysError,
    MalformedResponseError,
    ServiceUnavailableError,
)
from genesys_dagster.genesys.oauth import SHORTEST_LIFETIME, TOKEN_PATH, Grant, login_refused, secrets_of
from genesys_dagster.genesys.settings import ClientSettings, SettingNames

T = TypeVar("T")


async def issue_with_sdk(settings: ClientSettings) -> Grant:
    """Ask for a token.

    The SDK keeps only the token and drops `expires_in` (SDK 269 api_client.py, get_client_credentials_token), so the
    shortest lifetime that Genesys Cloud can be set to is assumed. It also has no time-out of its own.

    Raises:
        ConfigurationError: The SDK is not installed.
        AuthenticationError: The login service refused id or secret.
        ServiceUnavailableError: The login service failed or did not answer in time.
    """
    try:
        token = await asyncio.wait_for(_in_daemon_thread(lambda: _log_in(settings)), settings.request_timeout)
    except TimeoutError:
        raise _unavailable(
            f"the SDK's login did not finish within {settings.request_timeout:g} s", settings.names
        ) from None
    if not token:
        raise MalformedResponseError("the SDK's login returned no token", method="POST", path=TOKEN_PATH)
    return Grant(token, SHORTEST_LIFETIME)


def _log_in(settings: ClientSettings) -> str:
    try:
        from PureCloudPlatformClientV2.api_client import ApiClient
    except ImportError:
        raise ConfigurationError(
            'auth="sdk" needs the package PureCloudPlatformClientV2',
            remedy='Run `pip install genesys-dagster[sdk]`, or use auth="http".',
        ) from None

    class LoginClient(ApiClient):  # type: ignore[misc]
        """Uses the login address of the settings, whatever ~/.genesyscloudpython/config says."""

        def get_conf_url(self, _path_type: str, _base_path: str) -> str:
            return settings.login_base

    client: Any = LoginClient(host=settings.api_base)
    try:
        return str(
            client.get_client_credentials_token(settings.client_id, settings.client_secret).access_token
        )
    except Exception as error:  # noqa: BLE001 - the SDK lets errors of urllib3, json and its own through
        raise _translated(error, settings) from None


def _translated(error: Exception, settings: ClientSettings) -> GenesysError:
    status = getattr(error, "status", None)
    if status in {400, 401}:
        reason = getattr(error, "reason", None)
        words = secrets_of(settings)(reason) if isinstance(reason, str) else None
        return login_refused(settings, status, words)
    failure = _unavailable(f"the SDK's login failed with {type(error).__name__}", settings.names)
    failure.status = status if isinstance(status, int) else None
    return failure


def _unavailable(problem: str, names: SettingNames) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        problem,
        method="POST",
        path=TOKEN_PATH,
        remedy=f"Check {names.region}, {names.login_url} and the network, and try again.",
    )


async def _in_daemon_thread(work: Callable[[], T]) -> T:
    """Run blocking work so that neither the event loop nor the end of the process ever waits for it."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # what waits for it may be cancelled, the work cannot

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting task
            done.set_exception(error)

    threading.Thread(target=run, name="genesys-sdk-login", daemon=True).start()
    return await asyncio.wrap_future(done)
