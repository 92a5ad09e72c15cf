"""`GET /api/v2/presence/definitions`: all at once, not paged.

The parameter `deactivated` chooses between those that are and those that are not (SDK 269 apis/presence_api.py). The
permission is asked for those only that belong to a division (SDK documentation, PresenceApi).
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.exchange import compressed_response
from genesys_dagster.sandbox.api.state import state_of

_PERMISSION = "presence:presenceDefinition:view"


async def _definitions(request: Request) -> Response:
    state = state_of(request)
    deactivated = request.query_params.get("deactivated", "false").lower() == "true"
    sees_all = _PERMISSION in state.settings.permissions
    entities = [
        entity
        for entity in state.time.presences.entities(state.now)
        if entity["deactivated"] == deactivated and (sees_all or entity["divisionId"] == "*")
    ]
    body = {"total": len(entities), "entities": entities, "selfUri": request.url.path}
    return await compressed_response(request, msgspec.json.encode(body))


routes = [Route("/api/v2/presence/definitions", _definitions, methods=["GET"])]
