"""The kinds of conversations, how often each occurs, and how long each may last at most."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from genesys_dagster.sandbox.conversations.callback import callback_later, callback_soon
from genesys_dagster.sandbox.conversations.chat import chat
from genesys_dagster.sandbox.conversations.draft import Draft
from genesys_dagster.sandbox.conversations.email import email, email_thread
from genesys_dagster.sandbox.conversations.inbound_call import inbound_call
from genesys_dagster.sandbox.conversations.message import message, message_thread
from genesys_dagster.sandbox.conversations.outbound_call import agent_call, campaign_call


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of conversation.

    Attributes:
        weight: Share of all conversations, in per mille.
        days: No conversation of the kind lasts this many days: how far back one looks for those still open.
        write: Fills a draft.
    """

    weight: int
    days: int
    write: Callable[[Draft], None]


KINDS = (
    Kind(530, 1, inbound_call),
    Kind(60, 1, agent_call),
    Kind(50, 1, campaign_call),
    Kind(60, 1, callback_soon),
    Kind(15, 4, callback_later),
    Kind(60, 1, chat),
    Kind(120, 1, message),
    Kind(15, 42, message_thread),
    Kind(75, 1, email),
    Kind(15, 45, email_thread),
)
LONGEST = max(kind.days for kind in KINDS)
_REACHED = list(accumulate(kind.weight for kind in KINDS))


def draw_kind(chance: float) -> Kind:
    """The kind for a number from 0 to 1."""
    return KINDS[bisect_right(_REACHED, chance * _REACHED[-1])]
