"""`/sandbox/…`: the sandbox's own endpoints, for tests and demonstrations from outside the process.

They need no token and are neither limited nor disturbed by faults.
"""

from datetime import date
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.errors import bad_request
from genesys_dagster.sandbox.api.exchange import compressed_response, json_body, json_response
from genesys_dagster.sandbox.api.state import State, state_of
from genesys_dagster.sandbox.faults import SWITCHES
from genesys_dagster.sandbox.times import day_number, iso

_LIMITS = ("requests_per_minute", "concurrent_jobs")


async def about(request: Request) -> Response:
    """What is served here."""
    state = state_of(request)
    return json_response(
        {
            "service": "genesys-dagster sandbox",
            "seed": state.org.seed,
            "conversationsPerDay": state.org.conversations_per_day,
            "now": iso(state.now),
            "dataAvailabilityDate": iso(state.watermark),
            "userDataAvailabilityDate": iso(state.user_watermark),
        }
    )


async def faults(request: Request) -> Response:
    """Show the switches; with POST set some of them first (see `Faults.apply`)."""
    switches = state_of(request).settings.faults
    if request.method == "POST":
        try:
            switches.apply(await json_body(request))
        except ValueError as error:
            raise bad_request(str(error)) from None
    return json_response({name: getattr(switches, name) for name in SWITCHES})


async def limits(request: Request) -> Response:
    """Show what the org allows; with POST set some of it first: `{"concurrent_jobs": 2}`, null for no limit."""
    settings = state_of(request).settings
    if request.method == "POST":
        wished = await json_body(request)
        _check_limits(wished)
        for name, value in wished.items():
            setattr(settings, name, value)
    return json_response({name: getattr(settings, name) for name in _LIMITS})


async def truth(request: Request) -> Response:
    """All records that start on `day`, as the org itself knows them now."""
    state = state_of(request)
    try:
        day = date.fromisoformat(request.query_params.get("day", ""))
    except ValueError:
        raise bad_request("The parameter [day] is a date, YYYY-MM-DD.") from None
    return await compressed_response(request, await run_in_threadpool(_truth, state, day))


async def requests(request: Request) -> Response:
    """The latest requests: method, path, status."""
    state = state_of(request)
    if request.method == "DELETE":
        state.requests.clear()
        return Response(status_code=204)
    logged: list[dict[str, Any]] = [
        {"method": each.method, "path": each.path, "query": each.query, "status": each.status}
        for each in state.requests
    ]
    return json_response({"requests": logged})


def _check_limits(wished: dict[str, Any]) -> None:
    for name, value in wished.items():
        if name not in _LIMITS:
            raise bad_request(f"unknown limit {name}; there are {', '.join(_LIMITS)}")
        is_none = value is None and name == "concurrent_jobs"
        if not is_none and (type(value) is not int or value < 0):
            raise bad_request(f"{name} is a whole number")


def _truth(state: State, day: date) -> bytes:
    now = state.now
    rows = [row for row in state.org.rows_of_day(day_number(day)) if row.start <= now]
    return b'{"conversations":[%s]}' % b",".join(state.org.body(row, now) for row in rows)


routes = [
    Route("/sandbox", about, methods=["GET"]),
    Route("/sandbox/faults", faults, methods=["GET", "POST"]),
    Route("/sandbox/limits", limits, methods=["GET", "POST"]),
    Route("/sandbox/truth", truth, methods=["GET"]),
    Route("/sandbox/requests", requests, methods=["GET", "DELETE"]),
]
