"""Single emissions of metrics with the dimensions that aggregates group and filter by.

In which queue a metric counts is what the script of its conversation did (`Session.queue`), and is not derived from the
record: so that who derives it from the record can be wrong.
"""

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


def emissions(org: Org, record: Json) -> Iterator[Emission]:
    """All emissions in a record of the org's, as known at some moment."""
    row = org.find(record["conversationId"])
    return _emissions(record, org.counted_in(row) if row else {})


def _emissions(record: Json, counted_in: Json) -> Iterator[Emission]:
    shared = _present(record, _OF_CONVERSATION)
    if divisions := record.get("divisionIds"):
        shared["divisionId"] = divisions[0]
    for participant in record.get("participants", ()):
        of_participant = shared | _present(participant, _OF_PARTICIPANT)
        for session in participant["sessions"]:
            if "metrics" not in session:
                continue
            of_session = of_participant | _present(session, _OF_SESSION)
            queues = counted_in.get(session["sessionId"])
            for metric in session["metrics"]:
                name, emitted = metric["name"], metric["emitDate"]
                queue = queues.get(f"{name} {emitted}") if isinstance(queues, dict) else queues
                dimensions = of_session | {"queueId": queue} if queue else of_session
                yield Emission(name, metric["value"], from_iso(emitted), dimensions)


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
        for record, counted_in in self._records(interval, now):
            for emission in _emissions(record, counted_in):
                if interval.start <= emission.at < interval.end:
                    yield emission

    def _records(self, interval: Interval, now: int) -> Iterator[tuple[Json, Json]]:
        """Conversations that were active in the interval, and where their metrics count."""
        if interval.start > now:
            return
        first = interval.start // DAY
        for day in range(first - LONGEST, first):
            yield from self._org.long_records(day, first - day, now)
        for row in started_on_touched_days(self._org, interval):
            if row.start <= now:
                record = decode(self._org.body(row, now, attributes=False))
                yield record, self._org.counted_in(row)


def _present(part: Json, names: tuple[str, ...]) -> Json:
    return {name: part[name] for name in names if name in part}
