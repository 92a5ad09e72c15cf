"""A user's routing status through one UTC day: what ACD makes of presence and conversations."""

from itertools import pairwise

from genesys_dagster.sandbox.agents_time.people import Person
from genesys_dagster.sandbox.agents_time.presences import Presence
from genesys_dagster.sandbox.agents_time.spans import Piece, Span, joined, merged, painted
from genesys_dagster.sandbox.agents_time.work import Work
from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.times import DAY, MINUTE, SECOND

_MAY_TELEPHONE = frozenset({"ON_QUEUE", "AVAILABLE", "BUSY"})


def routing_of_day(
    person: Person, day: int, works: list[Work], presence: list[Piece[Presence]]
) -> list[Piece[str]]:
    """The user's routing status from the day's first midnight to its last; none for who takes no conversations.

    Args:
        person: Who.
        day: The UTC day (number since 1970).
        works: What conversations ask that day.
        presence: The user's presence that day.
    """
    if not person.takes_conversations:
        return []
    end = (day + 1) * DAY
    dice = Dice(seed_for("routing", person.seed, day))
    on_queue = [_after(piece, dice) for piece in presence]
    # The order is ours: that a handled conversation outweighs an unanswered one, and this a call of one's own.
    pieces = painted(merged(on_queue), joined(_calls(works, presence, dice)), "COMMUNICATING")
    pieces = painted(pieces, joined(_unanswered(works, on_queue, end, dice)), "NOT_RESPONDING")
    handled = joined((work.start, work.end) for work in works if work.kind == "handle")
    return [piece for piece in painted(pieces, handled, "INTERACTING") if piece.start < end]


def _after(piece: Piece[Presence], dice: Dice) -> Piece[str]:
    """Routing follows presence a moment later: the two are separate clocks (a pasted response has 0.9 s)."""
    status = "IDLE" if piece.value.system == "ON_QUEUE" else "OFF_QUEUE"
    return Piece(piece.start + (dice.between(150, 950) if piece.start % DAY else 0), status)


def _unanswered(works: list[Work], on_queue: list[Piece[str]], end: int, dice: Dice) -> list[Span]:
    """From an alert nobody answered until the agent is ready again, rung again or off queue."""
    spans = []
    for work in works:
        if work.kind == "missed":
            start = work.end + dice.between(20, 300)
            ready = start + dice.between(15 * SECOND, 3 * MINUTE)
            leaves = next((piece.start for piece in on_queue if piece.start > start), end)
            again = next((other.start for other in works if other.start >= start), end)
            spans.append((start, min(ready, leaves, again, end)))
    return [span for span in spans if span[0] < span[1]]


def _calls(works: list[Work], presence: list[Piece[Presence]], dice: Dice) -> list[Span]:
    """Calls outside ACD: listening in on others', and now and then a call of one's own that is nobody else's.

    Such calls are no conversations of the sandbox's org.
    """
    spans = [(work.start, work.end) for work in works if work.kind == "listen"]
    for piece, following in pairwise(presence):
        if (
            piece.value.system in _MAY_TELEPHONE
            and following.start - piece.start > 6 * MINUTE
            and dice.chance(0.2)
        ):
            start = piece.start + MINUTE + int(dice.random() * (following.start - piece.start - 5 * MINUTE))
            end = start + dice.between(30 * SECOND, 3 * MINUTE)
            if all(work.end <= start or work.start >= end for work in works):
                spans.append((start, end))
    return spans
