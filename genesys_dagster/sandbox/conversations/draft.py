"""A conversation in the making: the record, its participants and sessions, and the clock that runs through it.

Field and metric names are those of `AnalyticsConversation` in the official SDK 269.
"""

from typing import Any

from genesys_dagster.sandbox.dice import Dice
from genesys_dagster.sandbox.directory import Agent, Directory, Queue
from genesys_dagster.sandbox.times import iso

Json = dict[str, Any]


class Session:
    """One session: its fields, with segments and metrics in the order they happened.

    Attributes:
        queue: Id of the queue for which it waits or works at this point of the script; its metrics count there.
    """

    __slots__ = ("_counted_in", "end", "fields", "metrics", "queue", "segments")

    def __init__(self, fields: Json) -> None:
        self.fields = fields
        self.segments: list[Json] = []
        self.metrics: list[Json] = []
        self.queue: str | None = None
        self._counted_in: dict[str, str | None] = {}
        self.end = 0

    @property
    def id(self) -> str:
        """The session's id, for the `peerId` of others."""
        return str(self.fields["sessionId"])

    def segment(self, kind: str, start: int, end: int, **fields: object) -> Json:
        """Add a segment from `start` to `end` (ms)."""
        segment: Json = {
            "segmentType": kind,
            "segmentStart": iso(start),
            "segmentEnd": iso(end),
            "conference": False,
            **fields,
        }
        self.segments.append(segment)
        self.end = max(self.end, end)
        return segment

    def metric(self, name: str, value: int, at: int) -> None:
        """Add a metric emitted at `at`; durations (t*) are milliseconds."""
        emitted = iso(at)
        self.metrics.append({"name": name, "value": value, "emitDate": emitted})
        self._counted_in[f"{name} {emitted}"] = self.queue

    @property
    def counted_in(self) -> str | dict[str, str | None] | None:
        """The queue of its metrics; by name and time of emission where it is not the same for all."""
        queues = set(self._counted_in.values())
        return self._counted_in if len(queues) > 1 else next(iter(queues), None)


class Draft:
    """The record being written.

    Attributes:
        dice: Chance, seeded for this conversation.
        directory: The org's reference entities.
        start: When the conversation starts (ms).
        turn: The conversation's number within its day: agents take turns by it.
        load: How busy the contact centre is, 0 to 1.
        late: When something is added after the end (ms): evaluations, surveys, resolutions.
    """

    __slots__ = (
        "_sessions", "conversation_id", "dice", "directory", "divisions", "end", "late", "load", "min_mos",
        "participants", "record", "start", "turn",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - set once, by the org
        self, directory: Directory, dice: Dice, *, conversation_id: str, start: int, turn: int, load: float
    ) -> None:
        self.directory = directory
        self.dice = dice
        self.conversation_id = conversation_id
        self.start = start
        self.turn = turn
        self.load = load
        self.end = start
        self.late: list[int] = []
        self.min_mos: float | None = None
        self.participants: list[Json] = []
        self.divisions: dict[str, None] = {}
        self.record: Json = {"conversationId": conversation_id, "conversationStart": iso(start)}
        self._sessions: list[tuple[Json, Session]] = []

    def participant(self, purpose: str, **fields: object) -> Json:
        """Add a participant; sessions are added with `session`."""
        participant: Json = {"participantId": self.dice.uuid(), "purpose": purpose, **fields, "sessions": []}
        self.participants.append(participant)
        return participant

    def agent_participant(self, agent: Agent, **fields: object) -> Json:
        """Add an agent as participant."""
        self.divisions[agent.division_id] = None
        return self.participant("agent", userId=agent.id, teamId=agent.team_id, **fields)

    def session(self, participant: Json, medium: str, direction: str, **fields: object) -> Session:
        """Add a session to a participant."""
        session = Session(
            {"sessionId": self.dice.uuid(), "mediaType": medium, "direction": direction, **fields}
        )
        self._sessions.append((participant, session))
        return session

    def agent(self, queue: Queue, offset: int = 0) -> Agent:
        """The queue's next agent: members take turns, as longest-idle routing makes them."""
        self.divisions[queue.division_id] = None
        return queue.members[(self.turn + offset) % len(queue.members)]

    def later(self, at: int) -> None:
        """Note that the record changes at `at`, after its end."""
        self.late.append(at)

    @property
    def counted_in(self) -> Json:
        """Where the metrics of each session count, by its id; what the script did, which no record tells."""
        return {session.id: queues for _, session in self._sessions if (queues := session.counted_in)}

    def finish(self) -> Json:
        """Put the record together; it ends with its last segment."""
        for participant, session in self._sessions:
            if session.segments:
                session.fields["segments"] = session.segments
            if session.metrics:
                session.fields["metrics"] = session.metrics
            participant["sessions"].append(session.fields)
            self.end = max(self.end, session.end)
        record = self.record
        record["conversationEnd"] = iso(self.end)
        record["divisionIds"] = list(self.divisions) or [self.directory.divisions[0]["id"]]
        if self.min_mos is not None:
            record["mediaStatsMinConversationMos"] = self.min_mos
        record["participants"] = self.participants
        return record
