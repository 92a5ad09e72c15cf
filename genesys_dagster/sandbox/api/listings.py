"""Lists of reference entities: users, queues, wrap-up codes, divisions, skills, languages, flows, groups, teams.

`pageSize` and `pageNumber` in, `entities` with `pageCount` and `nextUri` out (SDK 269
models/queue_entity_listing.py); the server may give smaller pages than asked for, so `pageSize` of the
answer counts. Teams have a cursor instead of page numbers (SDK 269 apis/teams_api.py, models/team_entity_listing.py).
"""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genesys_dagster.sandbox import org_chart
from genesys_dagster.sandbox.api.cursors import make_cursor, read_cursor
from genesys_dagster.sandbox.api.exchange import compressed_response
from genesys_dagster.sandbox.api.filters import Json
from genesys_dagster.sandbox.api.question import whole_number
from genesys_dagster.sandbox.api.state import state_of
from genesys_dagster.sandbox.directory import Directory, Entity

_DEFAULT_PAGE_SIZE = 25
_TEAMS = 1  # scope of their cursors

Choose = Callable[[Directory, Request], list[Entity]]


def _users(directory: Directory, request: Request) -> list[Entity]:
    """Active users, unless `state` asks for others (`any` for all)."""
    wanted = request.query_params.get("state", "active")
    return [user for user in directory.users if wanted in {"any", user["state"]}]


def _flows(directory: Directory, request: Request) -> list[Entity]:
    """Flows, those deleted only if `deleted` says so."""
    with_deleted = request.query_params.get("deleted", "false").lower() == "true"
    return [flow for flow in org_chart.flows(directory) if with_deleted or not flow["deleted"]]


async def _teams(request: Request) -> Response:
    state = state_of(request)
    state.require("groups:team:view")
    entities = org_chart.teams(state.org.directory)
    wish = whole_number(request.query_params.get("pageSize", _DEFAULT_PAGE_SIZE), "pageSize")
    size = min(wish, state.settings.max_listing_page_size)
    after = request.query_params.get("after")
    offset = read_cursor(_TEAMS, after) if after else 0
    body: Json = {"entities": entities[offset : offset + size], "selfUri": request.url.path}
    if offset + size < len(entities):
        cursor = urlencode({"pageSize": size, "after": make_cursor(_TEAMS, offset + size)})
        body["nextUri"] = f"{request.url.path}?{cursor}"
    return await compressed_response(request, msgspec.json.encode(body))


def _listing(path: str, choose: Choose, permission: str | None) -> Route:
    async def listing(request: Request) -> Response:
        state = state_of(request)
        if permission:
            state.require(permission)
        entities = choose(state.org.directory, request)
        if name := request.query_params.get("name"):
            entities = [entity for entity in entities if name.lower() in entity["name"].lower()]
        wish = whole_number(request.query_params.get("pageSize", _DEFAULT_PAGE_SIZE), "pageSize")
        number = whole_number(request.query_params.get("pageNumber", 1), "pageNumber")
        size = min(wish, state.settings.max_listing_page_size)
        return await compressed_response(request, msgspec.json.encode(_page(request, entities, size, number)))

    return Route(path, listing, methods=["GET"])


def _page(request: Request, entities: list[Entity], size: int, number: int) -> Json:
    pages = -(-len(entities) // size)

    def uri(page: int) -> str:
        return (
            f"{request.url.path}?{urlencode({**request.query_params, 'pageSize': size, 'pageNumber': page})}"
        )

    body: Json = {
        "entities": entities[(number - 1) * size : number * size],
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "pageCount": pages,
        "selfUri": uri(number),
        "firstUri": uri(1),
        "lastUri": uri(max(1, pages)),
    }
    if number < pages:
        body["nextUri"] = uri(number + 1)
    if number > 1:
        body["previousUri"] = uri(number - 1)
    return body


# Permissions as the SDK's documentation names them for each call; users, divisions, languages and groups need none.
routes = [
    _listing("/api/v2/users", _users, None),
    _listing("/api/v2/routing/queues", lambda directory, _: directory.queues, "routing:queue:view"),
    _listing(
        "/api/v2/routing/wrapupcodes", lambda directory, _: directory.wrapup_codes, "routing:wrapupCode:view"
    ),
    _listing("/api/v2/routing/skills", lambda directory, _: directory.skills, "routing:skill:view"),
    _listing("/api/v2/routing/languages", lambda directory, _: directory.languages, None),
    _listing("/api/v2/authorization/divisions", lambda directory, _: directory.divisions, None),
    _listing("/api/v2/flows", _flows, "architect:flow:view"),
    _listing("/api/v2/groups", lambda directory, _: org_chart.groups(directory), None),
    Route("/api/v2/teams", _teams, methods=["GET"]),
]
