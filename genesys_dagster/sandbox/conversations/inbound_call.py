"""Inbound calls: IVR, queue, agents, transfers, consults, conferences, abandons."""

from genesys_dagster.sandbox.conversations.attributes import (
    agent_attributes,
    customer_attributes,
    flow_attributes,
)
from genesys_dagster.sandbox.conversations.consult import ask_colleague, hand_over
from genesys_dagster.sandbox.conversations.draft import Draft, Session
from genesys_dagster.sandbox.conversations.flows import flow_fields, run_flow
from genesys_dagster.sandbox.conversations.handling import (
    abandon,
    answer,
    could_be_missed,
    disconnect,
    flow_out,
    miss,
    offer,
    routed,
    work,
    wrap_up,
)
from genesys_dagster.sandbox.conversations.quality import add_quality
from genesys_dagster.sandbox.conversations.supervision import leave_voicemail, supervise
from genesys_dagster.sandbox.conversations.voice_media import Line, media_stats
from genesys_dagster.sandbox.conversations.waiting import CALL
from genesys_dagster.sandbox.times import MINUTE, SECOND

_MAX_TRANSFERS = 3
# After so long the in-queue flow of some queues takes the caller to another one.
_OVERFLOW = 100 * SECOND


def inbound_call(draft: Draft) -> None:
    """A customer calls; the call ends in the IVR, in a queue or with an agent."""
    draft.record["originatingDirection"] = "inbound"
    draft.record["conversationInitiator"] = "customer"
    draft.record["customerParticipation"] = True
    _Call(draft).run()


class _Call:
    """The course of one inbound call; `at` is its clock (ms)."""

    def __init__(self, draft: Draft) -> None:
        dice = draft.dice
        self.draft = draft
        self.queue = draft.directory.queue_for("voice", dice)
        self.line = Line(draft, "inbound", self.queue.address)
        self.customer = draft.participant(
            "customer", participantName=self.line.name, externalContactId=dice.uuid()
        )
        self.customer_leg = draft.session(
            self.customer, "voice", "inbound", recording=True, **self.line.leg(draft, caller=True)
        )
        self.connected = draft.start + dice.between(90, 400)
        self.at = self.connected

    def run(self) -> None:
        draft = self.draft
        self.customer_leg.segment("system", draft.start, self.connected)
        self.customer_leg.metric("nConnected", 1, self.connected)
        hung_up = self._ivr()
        transfers = 0
        while not hung_up:
            hung_up = self._queue(transfers)
            if not hung_up:
                hung_up = self._agent(transfers)
                transfers += 1
        self._end()

    def _ivr(self) -> bool:
        """The entry flow; True when the call ends in it."""
        draft, dice = self.draft, self.draft.dice
        ivr = draft.participant(
            "ivr", participantName=self.queue.flow.name, attributes=flow_attributes(draft)
        )
        leg = self._leg(ivr)
        chance = dice.random()
        end = self.at + dice.around(34 * SECOND, 0.6)
        reason = "TRANSFER" if chance > 0.16 else "DISCONNECT"
        fields = flow_fields(draft, self.queue.flow, self.line.dnis, self.queue, exit_reason=reason)
        leg.segment("system", self.at + 10, self.at + 24)
        leg.segment("ivr", self.at + 24, end, disconnectType="transfer" if reason == "TRANSFER" else "peer")
        leg.metric("tIvr", end - self.at - 24, end)
        run_flow(draft, leg, fields, self.at + 24, end)
        media_stats(draft, leg, self.at, end, 2)
        self.at = end
        if reason == "DISCONNECT":
            draft.record["selfServed"] = chance > 0.06
        return reason == "DISCONNECT"

    def _queue(self, transfers: int) -> bool:
        """The wait in a queue; True when the customer gives up."""
        draft, dice = self.draft, self.draft.dice
        acd = draft.participant("acd", participantName=self.queue.name)
        leg = self._leg(acd, flowInType="agent" if transfers else "ivr")
        self.customer_leg.queue = self.queue.id
        wait, patience = CALL.draw(draft)
        if min(wait, patience) > _OVERFLOW and dice.chance(0.2):
            left = flow_out(draft, leg, self.queue, self.at, _OVERFLOW)
            leg.fields["flowOutType"] = "queue"
            media_stats(draft, leg, self.at, left, 1)
            self.at, self.queue = left, draft.directory.queue_for("voice", dice)
            return self._queue(transfers)
        if patience < wait or dice.chance(0.01):
            voicemail = dice.chance(0.12)
            waited = min(patience, wait)
            left = (flow_out if voicemail else abandon)(draft, leg, self.queue, self.at, waited)
            media_stats(draft, leg, self.at, left, 1)
            if voicemail:
                leg.fields["flowOutType"] = "voicemail"
                left = leave_voicemail(draft, self.line, self.customer_leg, left)
            self.at = left
            return True
        self.wait = wait
        self.offered = self.at
        taken = offer(draft, leg, self.queue, self.at, wait)
        media_stats(draft, leg, self.at, taken, 1 + (wait > 20 * SECOND))
        leg.fields["destinationAddresses"] = [f"sip:{self.queue.id}@localhost"]
        agent = draft.agent(self.queue, transfers)
        leg.fields.update(routed(draft, self.queue, agent.id))
        self.customer_leg.fields.update(
            {key: leg.fields[key] for key in ("requestedRoutings", "usedRouting", "selectedAgentId")}
        )
        self.at = taken
        return False

    def _agent(self, transfers: int) -> bool:
        """An agent takes the call; True when it ends with them."""
        draft, dice, queue = self.draft, self.draft.dice, self.queue
        agent = draft.agent(queue, transfers)
        alerted = max(self.offered, self.at - dice.between(1_500, 9_000))
        if could_be_missed(dice, alerted - self.offered):
            # Somebody else was asked first and let it ring.
            missed = self._leg(draft.agent_participant(draft.agent(queue, 40)))
            miss(missed, queue, self.offered, alerted)
        participant = draft.agent_participant(agent, screenRecording=dice.chance(0.2))
        leg = self._leg(participant, station=agent.station)
        leg.fields.update(routed(draft, queue, agent.id))
        answer(leg, queue, alerted, self.at, self.wait)
        started = self.at
        end, handled = work(
            draft, leg, queue, started, talk=dice.around(240 * SECOND, 0.7), holds=self._holds()
        )
        if dice.chance(0.015):
            supervise(draft, self.line, leg, participant)
        if dice.chance(0.01):
            participant["flaggedReason"] = "general"
        done = self._finish_agent(leg, end, handled, started, transfers)
        participant["attributes"] = agent_attributes(draft)
        if done:
            add_quality(draft, queue, agent, max(done, self.at))
        return bool(done)

    def _finish_agent(self, leg: Session, end: int, handled: int, started: int, transfers: int) -> int:
        """Transfer, consult or goodbye; returns when the agent was done, 0 when another queue follows."""
        draft, dice, queue = self.draft, self.draft.dice, self.queue
        chance = dice.random()
        self.at = end
        blind = chance < 0.07 and transfers < _MAX_TRANSFERS
        if blind:
            leg.metric("nTransferred", 1, end)
            leg.metric("nBlindTransferred", 1, end)
            disconnect(leg, "transfer")
        elif chance < 0.07:
            disconnect(leg, "client")
        elif chance < 0.11:
            self.at = hand_over(draft, self.line, leg, queue, end)
        else:
            if chance < 0.15:
                ask_colleague(draft, self.line, leg, queue, end, conference=chance < 0.13)
            disconnect(leg, dice.pick(("peer", "peer", "peer", "client", "endpoint")))
        media_stats(draft, leg, started, end, 2 + (end - started > 2 * MINUTE))
        done = wrap_up(draft, leg, queue, end, handled)
        if blind:
            self.queue = draft.directory.queue_for("voice", dice)
            return 0
        return done

    def _holds(self) -> int:
        chance = self.draft.dice.random()
        return 0 if chance < 0.62 else 1 if chance < 0.9 else 2

    def _leg(self, participant: dict[str, object], station: str | None = None, **fields: object) -> Session:
        return self.draft.session(
            participant,
            "voice",
            "inbound",
            peerId=self.customer_leg.id,
            remote=self.line.name,
            **self.line.leg(self.draft, session_dnis=station),
            **fields,
        )

    def _end(self) -> None:
        draft = self.draft
        # The segment runs from connecting on and names the queue that the call was in last.
        queue = {"queueId": self.customer_leg.queue} if self.customer_leg.queue else {}
        self.customer_leg.segment("interact", self.connected, self.at, disconnectType="peer", **queue)
        self.customer_leg.metric("tConnected", self.at - self.connected, self.at)
        media_stats(
            draft, self.customer_leg, self.connected, self.at, 2 + 2 * (self.at - self.connected > 2 * MINUTE)
        )
        self.customer["attributes"] = customer_attributes(draft)
        if draft.dice.chance(0.02):
            draft.record["externalTag"] = f"CRM-{draft.dice.between(10_000, 99_999)}"
