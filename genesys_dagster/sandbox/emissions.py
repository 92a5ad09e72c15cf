"""Single emissions of metrics with the dimensions that aggregates group and filter by."""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from genesys_dagster.sandbox.conversations.kinds import LONGEST
from genesys_dagster.sandbox.interval import Interval, started_on_touched_days
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.reprocessing import last_night
from genesys_dagster.sandbox.rows import decode
from genesys_dagster.sandbox.times import DAY, from_iso

Json = dict[str, Any]

_KEPT = 4

# Fields by which one can group and filter, by where they stand. The public list has 84 dimensions (SDK 269
# models/conversation_aggregate_query_predicate.py); the others would work alike.
_OF_CONVERSATION = ("conversationId", "conversationInitiator", "originatingDirection", "externalTag")
_OF_PARTICIPANT = ("purpose", "userId", "teamId", "participantName", "externalContactId")
_OF_SESSION = (
    "sessionId", "mediaType", "direction", "messageType", "provider", "usedRouting", "ani", "dnis", "peerId",
    "outboundCampaignId", "outboundContactListId", "selectedAgentId", "flowInType",
)  # fmt: skip
DIMENSIONS = frozenset({*_OF_CONVERSATION, *_OF_PARTICIPANT, *_OF_SESSION, "queueId", "divisionId"})


@dataclass(frozen=True, slots=True)
class Emission:
    """One metric, once.

    Attributes:
        name: Name of the metric.
        value: Its value.
        at: When it was emitted (ms).
        dimensions: Dimension to value; only those that have one.
    """

    name: str
    value: float
    at: int
    dimensions: Json


def emissions(record: Json) -> Iterator[Emission]:
    """All emissions in a record, each with the queue of its session at that moment."""
    shared = _present(record, _OF_CONVERSATION)
    if divisions := record.get("divisionIds"):
        shared["divisionId"] = divisions[0]
    for participant in record.get("participants", ()):
        of_participant = shared | _present(participant, _OF_PARTICIPANT)
        for session in participant["sessions"]:
            if "metrics" not in session:
                continue
            of_session = of_participant | _present(session, _OF_SESSION)
            stays = _stays(session)
            in_queue = {queue: of_session | {"queueId": queue} for _, queue in stays}
            for metric in session["metrics"]:
                at = from_iso(metric["emitDate"])
                queue = _queue_at(stays, at, ends=metric["name"].startswith("t"))
                yield Emission(metric["name"], metric["value"], at, in_queue[queue] if queue else of_session)


class EmissionLog:
    """What the org emitted in an interval; remembers the latest intervals that are over, until the next night.

    Args:
        org: Whose conversations.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._kept: OrderedDict[tuple[Interval, int], list[Emission]] = OrderedDict()
        self._lock = Lock()

    def during(self, interval: Interval, now: int) -> list[Emission]:
        """The emissions of all conversations, whenever they began, as known at `now` (ms)."""
        if interval.end > now:
            return list(self._find(interval, now))
        key = interval, last_night(now)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = list(self._find(interval, now))
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _find(self, interval: Interval, now: int) -> Iterator[Emission]:
        for record in self._records(interval, now):
            for emission in emissions(record):
                if interval.start <= emission.at < interval.end:
                    yield emission

    def _records(self, interval: Interval, now: int) -> Iterator[Json]:
        """Conversations that were active in the interval."""
        if interval.start > now:
            return
        first = interval.start // DAY
        for day in range(first - LONGEST, first):
            yield from self._org.long_records(day, first - day, now)
        for row in started_on_touched_days(self._org, interval):
            if row.start <= now:
                yield decode(self._org.body(row, now, attributes=False))


def _present(part: Json, names: tuple[str, ...]) -> Json:
    return {name: part[name] for name in names if name in part}


def _stays(session: Json) -> list[tuple[int, str]]:
    """When the session came to which queue."""
    return sorted(
        (from_iso(segment["segmentStart"]), segment["queueId"])
        for segment in session.get("segments", ())
        if "queueId" in segment
    )


def _queue_at(stays: list[tuple[int, str]], at: int, *, ends: bool) -> str | None:
    """The queue of the latest segment that had begun, before that instant if something ends; else the first."""
    if not stays:
        return None
    return stays[max(0, (bisect_left if ends else bisect_right)(stays, at, key=lambda stay: stay[0]) - 1)][1]
