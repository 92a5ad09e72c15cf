"""Single conversations, looked up by their ids."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import parse_instant
from genesys_dagster.genesys.responses import Response

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
    answers = count(1)

    def read(response: Response) -> dict[str, datetime]:
        starts = read_starts(response)
        if starts is None and next(answers) == 1:  # nothing said of any id: believed if it is said twice
            raise MalformedResponseError("the answer does not hold conversations")
        return starts or {}

    return await client.fetch("GET", BY_ID_PATH, read, params={"id": ",".join(ids)})


def read_starts(response: Response) -> dict[str, datetime] | None:
    """Read id to start of the conversations in an answer; None if it has no list of them.

    Raises:
        MalformedResponseError: It holds something else than conversations.
    """
    records = response.json().get("conversations")
    if records is None:
        return None
    try:
        starts = {record["conversationId"]: parse_instant(record["conversationStart"]) for record in records}
    except (KeyError, TypeError, ValueError):
        raise MalformedResponseError("the answer does not hold conversations") from None
    if not all(isinstance(identity, str) for identity in starts):
        raise MalformedResponseError("the answer does not hold conversations")
    return starts


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), _IDS_PER_REQUEST):
        yield ids[first : first + _IDS_PER_REQUEST]
