"""Single conversations, looked up by their ids."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import parse_instant

BY_ID_PATH = "/api/v2/analytics/conversations/details"
_IDS_PER_REQUEST = 50  # each is a UUID: the address stays below 2,000 characters


async def conversation_starts(client: GenesysClient, ids: Sequence[str]) -> Mapping[str, datetime]:
    """Ask when conversations began (SDK 269 apis/analytics_api.py, get_analytics_conversations_details).

    Args:
        client: An open client.
        ids: Conversation ids.

    Returns:
        Id to start, in UTC; ids that Genesys Cloud does not know are missing.

    Raises:
        MalformedResponseError: The answer does not hold conversations.
        GenesysError: As in `GenesysClient.fetch`.
    """
    answers = await asyncio.gather(*(_ask(client, some) for some in _portions(ids)))
    return {identity: start for answer in answers for identity, start in answer.items()}


async def _ask(client: GenesysClient, ids: Sequence[str]) -> dict[str, datetime]:
    answer = await client.get_json(BY_ID_PATH, {"id": ",".join(ids)})
    try:
        return {
            record["conversationId"]: parse_instant(record["conversationStart"])
            for record in answer.get("conversations") or ()
        }
    except (KeyError, TypeError, ValueError):
        raise MalformedResponseError(
            "the answer does not hold conversations", method="GET", path=BY_ID_PATH
        ) from None


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), _IDS_PER_REQUEST):
        yield ids[first : first + _IDS_PER_REQUEST]
