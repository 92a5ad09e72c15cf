"""`GET /api/v2/analytics/conversations/…/details`: conversations by their ids."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.errors import ApiError, bad_request
from genesys_dagster.sandbox.api.exchange import compressed_response
from genesys_dagster.sandbox.api.pages import record_bodies
from genesys_dagster.sandbox.api.query import PERMISSIONS
from genesys_dagster.sandbox.api.state import State, state_of

_MAX_IDS = 100


async def one(request: Request) -> Response:
    """One conversation, without participant attributes."""
    state = state_of(request)
    state.require(*PERMISSIONS)
    bodies = await run_in_threadpool(_bodies, state, [request.path_params["conversation_id"]])
    if not bodies:
        raise ApiError("not.found")
    return await compressed_response(request, bodies[0])


async def several(request: Request) -> Response:
    """Conversations by `id=a,b,…`; unknown ids are left out."""
    state = state_of(request)
    state.require(*PERMISSIONS)
    ids = [part for value in request.query_params.getlist("id") for part in value.split(",") if part]
    if not 0 < len(ids) <= _MAX_IDS:
        raise bad_request(f"The parameter [id] takes 1 to {_MAX_IDS} ids.", "invalid.query.param.value")
    bodies = await run_in_threadpool(_bodies, state, ids)
    return await compressed_response(
        request, b'{"conversations":[%s]}' % b",".join(bodies) if bodies else b"{}"
    )


def _bodies(state: State, ids: list[str]) -> list[bytes]:
    now = state.now
    rows = [row for row in map(state.org.find, ids) if row and row.start <= now]
    return record_bodies(state.org, rows, now, state.settings.faults, attributes=False)


routes = [
    Route("/api/v2/analytics/conversations/details", several, methods=["GET"]),
    Route("/api/v2/analytics/conversations/{conversation_id}/details", one, methods=["GET"]),
]
