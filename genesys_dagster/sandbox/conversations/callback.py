"""Callbacks: asked for in the queue, called back at once or at an agreed time, up to three days later."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.attributes import agent_attributes, customer_attributes
from genesys_dagster.sandbox.conversations.draft import Draft, Json
from genesys_dagster.sandbox.conversations.handling import answer, disconnect, offer, routed, work, wrap_up
from genesys_dagster.sandbox.conversations.quality import add_quality
from genesys_dagster.sandbox.conversations.voice_media import Line, media_stats
from genesys_dagster.sandbox.times import DAY, HOUR, MINUTE, SECOND, iso


def callback_soon(draft: Draft) -> None:
    """A callback as soon as an agent is free."""
    _callback(draft, draft.dice.around(9 * MINUTE, 0.9, 20))


def callback_later(draft: Draft) -> None:
    """A callback at a time agreed on, the next days."""
    delay = draft.dice.between(2 * HOUR, 2 * DAY)
    _callback(draft, delay, scheduled=iso((draft.start + delay) // MINUTE * MINUTE))


def _callback(draft: Draft, delay: int, scheduled: str | None = None) -> None:
    dice = draft.dice
    draft.record["originatingDirection"] = "inbound"
    draft.record["conversationInitiator"] = "customer"
    draft.record["customerParticipation"] = True
    queue = draft.directory.queue_for("callback", dice)
    name, number = names.person(dice), names.phone(dice)
    shared: Json = {
        "callbackUserName": name,
        "callbackNumbers": [number],
        "skipEnabled": True,
        "timeoutSeconds": 60,
    }
    if scheduled:
        shared["callbackScheduledTime"] = scheduled
    # The call in which the callback was asked for is a conversation of its own.
    draft.record["associatedConversationId"] = dice.uuid()
    customer = draft.participant("customer", participantName=name, attributes=customer_attributes(draft))
    theirs = draft.session(customer, "callback", "inbound", provider="PureCloud Callback", **shared)
    acd = draft.session(
        draft.participant("acd", participantName=queue.name),
        "callback",
        "inbound",
        peerId=theirs.id,
        **shared,
    )
    acd.queue = queue.id
    offered = draft.start
    if scheduled:
        offered = draft.start + delay
        acd.segment("scheduled", draft.start, offered, queueId=queue.id)
        acd.metric("nCallbackScheduled", 1, draft.start)
        delay = dice.around(2 * MINUTE, 0.8, 10)
    taken = offer(draft, acd, queue, offered, delay)
    acd.metric("tCallbackVirtualWait", delay, taken)
    agent = draft.agent(queue)
    participant = draft.agent_participant(agent, attributes=agent_attributes(draft))
    ours = draft.session(
        participant, "callback", "inbound", peerId=theirs.id, **shared, **routed(draft, queue, agent.id)
    )
    answer(ours, queue, max(offered, taken - dice.between(2_000, 12_000)), taken, delay)
    reached = dice.chance(0.76)
    talk = dice.around((170 if reached else 25) * SECOND, 0.7)
    end, handled = work(draft, ours, queue, taken, talk=talk, holds=int(reached and dice.chance(0.2)))
    disconnect(ours, "client")
    ours.metric("tActiveCallback", end - taken, end)
    ours.metric("tActiveCallbackComplete", end - taken, end)
    ours.metric("nCallbackAttempts", 1, taken)
    _ring(draft, taken, end, number, reached=reached)
    ours.metric("tCallbackConnect" if reached else "tCallbackNotReached", taken - draft.start, taken)
    theirs.segment("interact", draft.start, end, disconnectType="peer")
    theirs.metric("nConnected", 1, draft.start)
    done = wrap_up(draft, ours, queue, end, handled)
    if reached:
        add_quality(draft, queue, agent, done)


def _ring(draft: Draft, start: int, end: int, number: str, *, reached: bool) -> None:
    """The voice legs of the callback: the customer's telephone and the agent's."""
    line = Line(draft, "outbound", number)
    customer, agent = draft.participants[0], draft.participants[-1]
    ringing = min(end, start + 8 * SECOND)
    theirs = draft.session(customer, "voice", "outbound", **line.leg(draft, caller=True))
    theirs.segment("dialing", start, ringing)
    theirs.metric("tDialing", ringing - start, ringing)
    if reached:
        theirs.segment("interact", ringing, end, disconnectType="client")
        theirs.metric("nConnected", 1, ringing)
        theirs.metric("tConnected", end - ringing, end)
        media_stats(draft, theirs, ringing, end, 2)
    ours = draft.session(agent, "voice", "outbound", peerId=theirs.id, **line.leg(draft))
    ours.segment("dialing", start, ringing)
    ours.segment("interact", ringing, max(ringing, end), disconnectType="client")
    media_stats(draft, ours, start, end, 2)
