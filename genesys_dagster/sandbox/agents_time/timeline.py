"""Everybody's periods: presence and routing status without a gap, made when they are asked for."""

from threading import RLock
from typing import Any, Literal, NamedTuple

from genesys_dagster.sandbox.agents_time.memory import Memory
from genesys_dagster.sandbox.agents_time.people import FIRST_DAY, Person, people
from genesys_dagster.sandbox.agents_time.presences import Presence, Presences
from genesys_dagster.sandbox.agents_time.routing import routing_of_day
from genesys_dagster.sandbox.agents_time.shifts import presence_of_day
from genesys_dagster.sandbox.agents_time.spans import Piece, merged
from genesys_dagster.sandbox.agents_time.work import WorkLog
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import DAY

Clock = Literal["primaryPresence", "routingStatus"]
CLOCKS: tuple[Clock, Clock] = ("primaryPresence", "routingStatus")

_KEPT = 50_000  # days of a user


class Period(NamedTuple):
    """A stretch of one status.

    Attributes:
        start: When it began (ms).
        end: When it ended or, for who knows the future, will end (ms); None if that is too far away to tell.
        status: System presence or routing status.
        definition_id: The presence's definition; None for a routing status.
    """

    start: int
    end: int | None
    status: str
    definition_id: str | None = None

    def ended(self, as_of: int) -> int | None:
        """The end, if it is known at a moment (ms)."""
        return self.end if self.end is not None and self.end <= as_of else None


class AgentsTime:
    """The ground truth of an org's agents' time.

    Args:
        org: Whose users and conversations.

    Attributes:
        presences: The org's presence definitions.
        user_ids: Everybody who ever logged in, in order.
    """

    def __init__(self, org: Org) -> None:
        self.presences = Presences(org.directory)
        self._people = people(org.directory, org.seed)
        self.user_ids = sorted(self._people)
        self._work = WorkLog(org)
        self._days: Memory[tuple[str, int], dict[Clock, list[Piece[Any]]]] = Memory(_KEPT)
        self._lock = RLock()

    def periods(self, user_id: str, clock: Clock, start: int, end: int, as_of: int) -> list[Period]:
        """A user's periods that overlap `[start, end)` and had begun at `as_of` (ms), whole, in order.

        The day of `as_of` is known to its end, later ones not at all.
        """
        last = min(end - 1, as_of)
        first_day = max(FIRST_DAY, start // DAY)
        if user_id not in self._people or last // DAY < first_day:
            return []
        with self._lock:
            pieces = merged(
                piece
                for day in range(first_day, last // DAY + 1)
                for piece in self._pieces(user_id, clock, day)
            )
            if not pieces:
                return []
            pieces[0] = Piece(self._begun(user_id, clock, first_day), pieces[0].value)
            over = self._over(user_id, clock, last // DAY, as_of // DAY)
        ends = [piece.start for piece in pieces[1:]]
        return [
            Period(piece.start, until, *_values(piece.value))
            for piece, until in zip(pieces, [*ends, over], strict=True)
            if piece.start <= last and (until is None or until > start)
        ]

    def _begun(self, user_id: str, clock: Clock, day: int) -> int:
        """When what holds at the start of a day began."""
        value = self._pieces(user_id, clock, day)[0].value
        start = day * DAY
        while day > FIRST_DAY:
            day -= 1
            before = self._pieces(user_id, clock, day)
            if before[-1].value != value:
                break
            start = before[-1].start
            if len(before) > 1:
                break
        return start

    def _over(self, user_id: str, clock: Clock, day: int, last_day: int) -> int | None:
        """When what holds at the end of a day is over, if that is so by the end of `last_day`."""
        value = self._pieces(user_id, clock, day)[-1].value
        while day < last_day:
            day += 1
            after = self._pieces(user_id, clock, day)
            if after[0].value != value:
                return after[0].start
            if len(after) > 1:
                return after[1].start
        return None

    def _pieces(self, user_id: str, clock: Clock, day: int) -> list[Piece[Any]]:
        return self._days.get((user_id, day), lambda: (self._make(self._people[user_id], day), 1))[clock]

    def _make(self, person: Person, day: int) -> dict[Clock, list[Piece[Any]]]:
        works = self._work.of_day(day).get(person.user_id, []) if person.takes_conversations else []
        presence = presence_of_day(person, day, works, self.presences)
        return {
            "primaryPresence": presence,
            "routingStatus": routing_of_day(person, day, works, presence),
        }


def _values(value: Presence | str) -> tuple[str, str | None]:
    return (value, None) if isinstance(value, str) else (value.system, value.definition_id)
