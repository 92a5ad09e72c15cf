"""How long the org keeps its interaction data (SDK 269 models/analytics_data_retention_response.py)."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox.api.exchange import compressed_response
from genesys_dagster.sandbox.api.filters import Json
from genesys_dagster.sandbox.api.state import state_of


async def _settings(request: Request) -> Response:
    state = state_of(request)
    state.require("analytics:dataRetention:view")
    days = state.settings.retention_days
    # That an org without a setting leaves the field out is a guess.
    body: Json = {"selfUri": request.url.path} if days is None else {"retentionDays": days}
    return await compressed_response(request, msgspec.json.encode(body))


routes = [Route("/api/v2/analytics/dataretention/settings", _settings, methods=["GET"])]
