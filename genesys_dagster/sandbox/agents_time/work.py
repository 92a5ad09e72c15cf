"""What the org's conversations ask of its users: when each of them is rung, works, or listens in."""

from collections.abc import Iterator
from threading import RLock
from typing import Any, Literal, NamedTuple

from genesys_dagster.sandbox.agents_time.memory import Memory
from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import DAY, from_iso

Json = dict[str, Any]
Kind = Literal["ring", "missed", "handle", "listen"]

_HANDLING = frozenset({"contacting", "dialing", "interact", "hold", "wrapup"})
_LISTENING = frozenset({"monitoring", "coaching", "barging"})
_KINDS = (5, 2, 1)  # days that conversations last; longer ones are made alone where only they matter
_KEPT = 1_000_000  # works

ByUser = dict[str, list["Work"]]


class Work(NamedTuple):
    """A stretch of a user's time (ms) that a conversation takes."""

    start: int
    end: int
    kind: Kind


class WorkLog:
    """Finds the work of UTC days; remembers the latest ones.

    Args:
        org: Whose conversations.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._of_day: Memory[int, ByUser] = Memory(_KEPT)
        self._begun: Memory[tuple[int, int], dict[int, ByUser]] = Memory(_KEPT)
        self._lock = RLock()

    def of_day(self, day: int) -> ByUser:
        """Everybody's work on a day (number since 1970), in order of start, cut at its midnights."""
        with self._lock:
            return self._of_day.get(day, lambda: self._gather(day))

    def _gather(self, day: int) -> tuple[ByUser, int]:
        found: ByUser = {}
        for back in range(LONGEST, -1, -1):
            # Even the short kinds may go on after midnight.
            least = next(days for days in _KINDS if days <= max(back, 1))
            for user_id, works in self._begun_on(day - back, least).get(day, {}).items():
                found.setdefault(user_id, []).extend(works)
        for works in found.values():
            works.sort()
        return found, sum(map(len, found.values()))

    def _begun_on(self, day: int, least: int) -> dict[int, ByUser]:
        """The work, by day and user, in conversations that begin on a day and are of a kind of `least` days or more.

        With others, too, if they have been made already: those do not last so long.
        """
        known = (days for days in _KINDS if days < least and (days, day) in self._begun)
        least = next(known, least)
        return self._begun.get((least, day), lambda: self._make(day, least))

    def _make(self, day: int, least: int) -> tuple[dict[int, ByUser], int]:
        found: dict[int, ByUser] = {}
        count = 0
        for record in self._org.whole_records(day, least):
            for user_id, work in _works(record):
                for part in _days(work):
                    found.setdefault(part.start // DAY, {}).setdefault(user_id, []).append(part)
                    count += 1
        return found, count


def _works(record: Json) -> Iterator[tuple[str, Work]]:
    for participant in record["participants"]:
        if user_id := participant.get("userId"):
            for session in participant["sessions"]:
                for segment in session.get("segments", ()):
                    if kind := _kind(participant["purpose"], segment):
                        start, end = from_iso(segment["segmentStart"]), from_iso(segment["segmentEnd"])
                        if start < end:
                            yield user_id, Work(start, end, kind)


def _kind(purpose: str, segment: Json) -> Kind | None:
    segment_type = segment["segmentType"]
    if purpose == "agent" and segment_type == "alert":
        return "missed" if segment.get("disconnectType") == "noAnswerTransfer" else "ring"
    if purpose == "agent" and segment_type in _HANDLING:
        return "handle"
    return "listen" if segment_type in _LISTENING else None


def _days(work: Work) -> Iterator[Work]:
    """The work in parts that each lie within one UTC day."""
    start = work.start
    while start < work.end:
        end = min(work.end, (start // DAY + 1) * DAY)
        yield work._replace(start=start, end=end)
        start = end
