"""The ASGI application: all endpoints behind the gateway."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from genesys_dagster.sandbox.api import (
    aggregates,
    control,
    details,
    jobs,
    listings,
    oauth,
    presence,
    query,
    retention,
    user_aggregates,
    user_details,
)
from genesys_dagster.sandbox.api.errors import ApiError
from genesys_dagster.sandbox.api.gateway import Gateway, correlation_id
from genesys_dagster.sandbox.api.state import State
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.settings import SandboxSettings


def create_app(
    org: Org,
    settings: SandboxSettings | None = None,
    *,
    connections: Callable[[], Iterable[Any]] = tuple,
) -> Starlette:
    """The sandbox as an ASGI application.

    Args:
        org: Whose conversations it serves. Its clock becomes that of the settings.
        settings: Limits and faults; may be changed while the application runs.
        connections: The server's open connections (objects with `client` and `transport`), so that faults
            can break them.

    Returns:
        The application; `app.state.sandbox` is its `State`.
    """
    settings = settings or SandboxSettings(now=org.now)
    # Asked anew each time: the clock may be replaced while the application runs.
    org.now = _clock_of(settings)
    state = State(org, settings, connections)
    # The more special paths come first.
    routes = [
        *oauth.routes, *query.routes, *jobs.routes, *details.routes, *aggregates.routes, *listings.routes,
        *presence.routes, *user_details.routes, *user_aggregates.routes, *retention.routes, *control.routes,
    ]  # fmt: skip
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Gateway, state=state)],
        exception_handlers={ApiError: _api_error, HTTPException: _no_route},
    )
    app.state.sandbox = state
    return app


def _clock_of(settings: SandboxSettings) -> Callable[[], datetime]:
    def now() -> datetime:
        return settings.now()

    return now


async def _api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return error.response(correlation_id(request.state))


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    code = "method.not.allowed" if status == 405 else "not.found"
    return ApiError(code).response(correlation_id(request.state))
