"""What the org's conversations ask of its users: when each of them is rung, works, or listens in."""

from collections import OrderedDict
from collections.abc import Iterator
from threading import RLock
from typing import Any, Literal, NamedTuple

from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.times import DAY, from_iso

Json = dict[str, Any]
Kind = Literal["ring", "missed", "handle", "listen"]

_HANDLING = frozenset({"contacting", "dialing", "interact", "hold", "wrapup"})
_LISTENING = frozenset({"monitoring", "coaching", "barging"})
_KEPT = {1: 6, 2: 120}  # days of all conversations, and of the long ones only


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
        self._kept: dict[int, OrderedDict[int, dict[tuple[int, str], list[Work]]]] = {
            days: OrderedDict() for days in _KEPT
        }
        self._lock = RLock()

    def of_day(self, day: int) -> dict[str, list[Work]]:
        """Everybody's work on a day (number since 1970), in order of start, cut at its midnights."""
        found: dict[str, list[Work]] = {}
        for back in range(LONGEST, -1, -1):
            # Even the short kinds may go on after midnight.
            for (of_day, user_id), works in self._begun_on(day - back, 1 if back < 2 else 2).items():
                if of_day == day:
                    found.setdefault(user_id, []).extend(works)
        for works in found.values():
            works.sort()
        return found

    def _begun_on(self, day: int, days: int) -> dict[tuple[int, str], list[Work]]:
        """The work, by day and user, in conversations that begin on a day and are of a kind of `days` or more."""
        with self._lock:
            kept = self._kept[days]
            if day not in kept:
                kept[day] = {}
                for record in self._org.whole_records(day, days):
                    for user_id, work in _works(record):
                        for part in _days(work):
                            kept[day].setdefault((part.start // DAY, user_id), []).append(part)
            kept.move_to_end(day)
            while len(kept) > _KEPT[days]:
                kept.popitem(last=False)
            return kept[day]


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
