"""Written contacts: web chat, messaging and e-mail share their course; each has its own module for the rest."""

from genesys_dagster.sandbox.conversations.attributes import agent_attributes
from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.conversations.handling import (
    abandon,
    answer,
    could_be_missed,
    disconnect,
    miss,
    offer,
    routed,
    wrap_up,
)
from genesys_dagster.sandbox.conversations.quality import add_quality
from genesys_dagster.sandbox.directory import Agent, Queue
from genesys_dagster.sandbox.times import SECOND


class Contact:
    """A written contact: one customer session, and sessions of others that share its fields.

    Args:
        draft: The conversation.
        medium: The media type of all sessions.
        queue: The first queue.
        name: The customer's name.
        fields: What every session of the contact carries (addresses, provider).
    """

    def __init__(self, draft: Draft, medium: str, queue: Queue, name: str, fields: Json) -> None:
        self.draft = draft
        self.medium = medium
        self.queue = queue
        self.fields = fields
        self.name = name
        self.at = draft.start
        draft.record["originatingDirection"] = "inbound"
        draft.record["conversationInitiator"] = "customer"
        draft.record["customerParticipation"] = True
        self.customer = draft.participant(
            "customer", participantName=name, externalContactId=draft.dice.uuid()
        )
        self.customer_session = draft.session(self.customer, medium, "inbound", **fields)
        self.customer_session.metric("nConnected", 1, draft.start)

    def join(self, participant: Json, **fields: object) -> Session:
        """A session opposite the customer's."""
        return self.draft.session(
            participant,
            self.medium,
            "inbound",
            peerId=self.customer_session.id,
            remote=self.name,
            **self.fields,
            **fields,
        )

    def wait(self, wait: int, patience: int) -> bool:
        """Wait in the queue; False when the customer leaves first."""
        draft = self.draft
        acd = self.join(draft.participant("acd", participantName=self.queue.name))
        self.customer_session.queue = self.queue.id
        if patience < wait:
            self.at = abandon(draft, acd, self.queue, self.at, patience)
            return False
        self.offered, self.waited = self.at, wait
        self.at = offer(draft, acd, self.queue, self.at, wait)
        return True

    def take(self, offset: int = 0) -> tuple[Agent, Json, Session]:
        """An agent accepts the contact at the present moment."""
        draft, dice = self.draft, self.draft.dice
        agent = draft.agent(self.queue, offset)
        alerted = max(self.offered, self.at - dice.between(1_000, 11_000))
        if could_be_missed(dice, alerted - self.offered):
            missed = self.join(draft.agent_participant(draft.agent(self.queue, offset + 23)))
            miss(missed, self.queue, self.offered, alerted)
        participant = draft.agent_participant(agent, attributes=agent_attributes(draft))
        session = self.join(participant, **routed(draft, self.queue, agent.id))
        answer(session, self.queue, alerted, self.at, self.waited)
        for key in ("requestedRoutings", "usedRouting", "selectedAgentId"):
            self.customer_session.fields[key] = session.fields[key]
        return agent, participant, session

    def talk(self, session: Session, stretches: list[tuple[int, int]]) -> int:
        """Stretches of (work, pause) in ms; pauses are kept as hold. Returns the time handled."""
        talked = held = 0
        for number, (length, pause) in enumerate(stretches):
            session.segment("interact", self.at, self.at + length, queueId=self.queue.id)
            self.at += length
            talked += length
            session.metric("tTalk", length, self.at)
            if number == 0:
                session.metric("tFirstResponse", length, self.at)
            session.metric("tAgentResponseTime", max(1, length // 2), self.at)
            if pause and number < len(stretches) - 1:
                session.segment("hold", self.at, self.at + pause, queueId=self.queue.id)
                self.at += pause
                held += pause
                session.metric("tHeld", pause, self.at)
                session.metric("tUserResponseTime", pause, self.at)
        session.metric("tTalkComplete", talked, self.at)
        if held:
            session.metric("tHeldComplete", held, self.at)
        return talked + held

    def close(self, agent: Agent, session: Session, handled: int, how: str) -> None:
        """The contact ends with this agent: goodbye, wrap-up, and what quality adds later."""
        disconnect(session, how)
        done = wrap_up(self.draft, session, self.queue, self.at, handled)
        add_quality(self.draft, self.queue, agent, done, written=True)

    def transfer(self, session: Session, handled: int) -> None:
        """Pass the contact on to another queue of the medium."""
        session.metric("nTransferred", 1, self.at)
        session.metric("nBlindTransferred", 1, self.at)
        disconnect(session, "transfer")
        wrap_up(self.draft, session, self.queue, self.at, handled)
        self.queue = self.draft.directory.queue_for(self.medium, self.draft.dice)

    def finish(self, how: str = "peer") -> None:
        """End the customer's session."""
        draft = self.draft
        queue = {"queueId": self.customer_session.queue} if self.customer_session.queue else {}
        self.customer_session.segment("interact", draft.start, self.at, disconnectType=how, **queue)
        self.customer_session.metric("tConnected", self.at - draft.start, self.at)

    def pace(self, median: int, turns: int, pause: int) -> list[tuple[int, int]]:
        """Stretches of writing around `median` seconds with pauses around `pause` seconds."""
        dice = self.draft.dice
        return [
            (dice.around(median * SECOND, 0.6), dice.around(pause * SECOND, 0.8) if pause else 0)
            for _ in range(turns)
        ]
