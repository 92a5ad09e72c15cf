"""A simple model of an org over time: conversations that come, change, end, are deleted or hidden from the role."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = "2026-05-12"
MIDNIGHT = datetime(2026, 5, 12, tzinfo=UTC)


@dataclass
class Conversation:
    """One conversation and when it changed.

    Attributes:
        started: Its start.
        changes: The instant of each change; a version is how many there were.
        gone_at: When it was deleted.
    """

    started: datetime
    changes: list[datetime] = field(default_factory=list)
    gone_at: datetime | None = None

    def version(self, at: datetime) -> int:
        return sum(change <= at for change in self.changes)


@dataclass
class Org:
    """What Genesys Cloud knows, now and at each instant before."""

    now: datetime = MIDNIGHT + timedelta(hours=30)
    watermark: datetime = MIDNIGHT + timedelta(hours=27)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    hidden: int = 0  # every how many-th conversation the role may not see; 0 for none

    def begin(self, count: int, hour: int) -> None:
        for _ in range(count):
            number = len(self.conversations)
            started = MIDNIGHT + timedelta(hours=hour, seconds=number)
            self.conversations[f"c{number:04d}"] = Conversation(started)

    def alive(self) -> list[str]:
        return [name for name, conversation in self.conversations.items() if conversation.gone_at is None]

    def rows(self, start: datetime, end: datetime, at: datetime, *, attributes: bool) -> list[dict[str, Any]]:
        """The conversations that began between two instants, as they were at a third."""
        found = sorted(self.conversations.items(), key=lambda item: item[1].started)
        return [
            row(name, conversation, at, attributes=attributes)
            for name, conversation in found
            if start <= conversation.started < end and not self._is_missing(name, conversation, at)
        ]

    def _is_missing(self, name: str, conversation: Conversation, at: datetime) -> bool:
        is_gone = conversation.gone_at is not None and conversation.gone_at <= at
        return is_gone or bool(self.hidden and int(name[1:]) % self.hidden == 0)

    def active(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """The conversations in which something happened between two instants, as they are now."""
        return [
            row(name, self.conversations[name], self.now, attributes=True)
            for name in self.alive()
            if any(start <= change < end for change in self.conversations[name].changes)
        ]


def row(name: str, conversation: Conversation, at: datetime, *, attributes: bool) -> dict[str, Any]:
    """One row: its version stands in a field of its own, and what only jobs bring shows its source."""
    participants = [{"participantId": "p", "attributes": [("from", "job")] if attributes else None}]
    version = conversation.version(at)
    ended = {"conversationEnd": at} if version > 2 else {}
    return {
        "conversationId": name, "conversationStart": conversation.started, "externalTag": f"v{version}",
        "participants": participants, **ended,
    }  # fmt: skip
