"""A made-up org: a few hundred conversations of one day, before and after some changed and a few were deleted."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache

DAY = date(2026, 5, 12)
START = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
END = START + timedelta(days=1)
PAGE = 40
CONVERSATIONS = 230  # five full pages and a short one
DELETED = 3  # of the version before; so few are deletions, not losses
LONG_LIVED = 110  # began on the days before and are alive: nearly three pages, then the day's own
REOPENED = 80  # of those, something happened in on the day

Record = dict


@dataclass
class Org:
    """What the server knows: the day's conversations and older ones that are still alive.

    Attributes:
        day: Conversations that began on the day, in order of their start.
        older: Conversations that began before and are alive on the day.
        available_until: The watermark of bulk jobs.
    """

    day: list[Record] = field(default_factory=list)
    older: list[Record] = field(default_factory=list)
    available_until: datetime = END + timedelta(hours=6)


def before() -> Org:
    """The org as it was when the stored version was pulled: fuller, and some conversations still open."""
    return Org(_spread(CONVERSATIONS + DELETED, START, "d"), _older(LONG_LIVED + DELETED))


def now() -> Org:
    """The org as it is: a few conversations are deleted, every tenth has come to an end since."""
    made = _now()
    return Org([*made.day], [*made.older])


@cache
def _now() -> Org:
    org = before()
    org.day = [record for number, record in enumerate(org.day) if number % 70 != 69][:CONVERSATIONS]
    org.older = org.older[:LONG_LIVED]
    for record in (*org.day[::10], *org.older[::7]):
        started = datetime.fromisoformat(record["conversationStart"])
        record["conversationEnd"] = instant(max(started, START) + timedelta(minutes=7))
    return org


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def without_attributes(record: Record) -> Record:
    """The record as the interactive query knows it."""
    fewer = [
        {k: v for k, v in participant.items() if k != "attributes"} for participant in record["participants"]
    ]
    return record | {"participants": fewer}


def _spread(count: int, start: datetime, kind: str) -> list[Record]:
    step = timedelta(days=1) / (count + 1)
    return [conversation(f"{kind}{number:04d}", start + number * step) for number in range(count)]


def _older(count: int) -> list[Record]:
    older = _spread(count, START - timedelta(days=2), "o")
    for number, record in enumerate(older):
        # Without activity on the day a sweep has no use for it.
        active = START + timedelta(hours=1) if number < REOPENED else START - timedelta(minutes=1)
        segment = {"segmentStart": instant(active), "segmentType": "interact"}
        record["participants"][1]["sessions"][0]["segments"].append(segment)
    return older


def conversation(name: str, started: datetime, **fields: object) -> Record:
    """One conversation: a customer and an agent, one session each."""
    identity = f"00000000-0000-4000-8000-{name.encode().hex():0>12}"
    open_ = int(name[1:] or 0) % 10 == 0
    ended = {} if open_ else {"conversationEnd": instant(started + timedelta(seconds=90))}

    def participant(purpose: str, **more: object) -> Record:
        segments = [{"segmentStart": instant(started), "segmentType": "interact", "queueId": f"q-{name}"}]
        metrics = [{"name": "tTalk", "value": 1234.0, "emitDate": instant(started)}]
        session = {"sessionId": f"s-{purpose}-{name}", "mediaType": "voice", "direction": "inbound"}
        sessions = [session | {"segments": segments, "metrics": metrics}]
        return {"participantId": f"p-{purpose}-{name}", "purpose": purpose, "sessions": sessions} | more

    return {
        "conversationId": identity,
        "conversationStart": instant(started),
        **ended,
        "divisionIds": ["division-1"],
        "originatingDirection": "inbound",
        "participants": [
            participant("customer", attributes={"number": name, "text": "ä \u2028 ✓"}),
            participant("agent", userId=f"u-{name}"),
        ],
    } | fields
