"""Reference data: the listings that name the ids in conversation records (users, queues, wrap-up codes, …)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.paging import CursorTrail, entities, read_listing_page

_ENTITIES_PER_PAGE = 100  # as in `paging.entities`


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of reference entity.

    Attributes:
        name: What it is called here; also the asset's name.
        path: Path of the listing.
        permission: What a role of the OAuth client needs; None if the API documents no permission.
        params: Query parameters besides paging.
        variants: Further query parameters, one question for each, where one answer does not hold all. Such a listing
            comes whole, without pages.
        by_cursor: Whether pages follow each other by an `after` cursor instead of page numbers.
    """

    name: str
    path: str
    permission: str | None = None
    params: dict[str, str | int] = field(default_factory=dict)
    by_cursor: bool = False
    variants: tuple[dict[str, str], ...] = ()

    @property
    def first_question(self) -> dict[str, str | int]:
        """Query parameters that ask for as little as possible."""
        return {**self.params, **(self.variants[0] if self.variants else {"pageSize": 1})}


# Permissions: SDK documentation of each call (RoutingApi.md, ArchitectApi.md, TeamsApi.md); UsersApi.md,
# AuthorizationApi.md and GroupsApi.md name none for the listing itself.
LISTINGS = MappingProxyType(
    {
        listing.name: listing
        for listing in (
            # Without state=any a listing leaves out inactive and deleted users, whose conversations remain
            # (PostHog, genesys_cloud/settings.py; SDK 269 apis/users_api.py).
            Listing("users", "/api/v2/users", params={"state": "any"}),
            Listing("queues", "/api/v2/routing/queues", "routing:queue:view"),
            Listing("wrapup_codes", "/api/v2/routing/wrapupcodes", "routing:wrapupCode:view"),
            Listing("divisions", "/api/v2/authorization/divisions"),
            Listing("skills", "/api/v2/routing/skills", "routing:skill:view"),
            Listing("languages", "/api/v2/routing/languages"),
            # Flows that were deleted still name sessions (SDK 269 apis/architect_api.py, `deleted`).
            Listing("flows", "/api/v2/flows", "architect:flow:view", params={"deleted": "true"}),
            Listing("groups", "/api/v2/groups"),
            # SDK 269 apis/teams_api.py, `after`; models/team_entity_listing.py has no page count.
            Listing("teams", "/api/v2/teams", "groups:team:view", by_cursor=True),
            # Enforced only for definitions that belong to a division (SDK 269 PresenceApi.md). Old periods name
            # deactivated ones; those come only if asked for, and whether they come alone then is not documented.
            Listing(
                "presence_definitions",
                "/api/v2/presence/definitions",
                "presence:presenceDefinition:view",
                variants=({"deactivated": "false"}, {"deactivated": "true"}),
            ),
        )
    }
)


async def read_listing(client: GenesysClient, listing: Listing) -> AsyncGenerator[dict[str, Any], None]:
    """Yield every entity of a listing, each id once.

    Args:
        client: An open client.
        listing: Which one.

    Yields:
        JSON objects as sent, each with an `id`. An entity that moved to a later page while the listing was read comes
        once.

    Raises:
        PermissionDeniedError: The OAuth client may not read it.
        MalformedResponseError: The answer is not a listing, or an entity in it has no id.
        PaginationLoopError: The listing does not come to an end.
        GenesysError: As in `GenesysClient.fetch`.
    """
    seen: set[str] = set()
    pages = _pages(client, listing)
    async with aclosing(pages) as found:
        async for entity in found:
            identity = entity.get("id")
            if not isinstance(identity, str) or not identity:
                raise MalformedResponseError(
                    "the listing holds an entity without id", method="GET", path=listing.path
                )
            if identity not in seen:
                seen.add(identity)
                yield entity


def _pages(client: GenesysClient, listing: Listing) -> AsyncGenerator[dict[str, Any], None]:
    if listing.variants:
        return _whole(client, listing)
    if listing.by_cursor:
        return _along_cursor(client, listing)
    return entities(client, listing.path, listing.params)


async def _whole(client: GenesysClient, listing: Listing) -> AsyncGenerator[dict[str, Any], None]:
    for variant in listing.variants:
        page = await client.fetch(
            "GET", listing.path, read_listing_page, params={**listing.params, **variant}
        )
        for entity in page.entities:
            yield entity


async def _along_cursor(client: GenesysClient, listing: Listing) -> AsyncGenerator[dict[str, Any], None]:
    trail = CursorTrail(listing.path)
    params: dict[str, str | int] = {"pageSize": _ENTITIES_PER_PAGE, **listing.params}
    while True:
        page = await client.fetch("GET", listing.path, read_listing_page, params=params)
        for entity in page.entities:
            yield entity
        after = trail.follow(_after(page.next_uri), page.mark)
        if after is None:
            return
        params["after"] = after


def _after(next_uri: str | None) -> str | None:
    """The cursor in the address of the next page."""
    try:
        return next(iter(parse_qs(urlsplit(next_uri or "").query).get("after", ())), None)
    except ValueError:  # no address at all
        raise MalformedResponseError(
            "the listing names a next page that is no address", method="GET"
        ) from None
