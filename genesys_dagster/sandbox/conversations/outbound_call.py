"""Outbound calls: dialled by an agent, or by a campaign."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.attributes import agent_attributes, customer_attributes
from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.conversations.handling import disconnect, work, wrap_up
from genesys_dagster.sandbox.conversations.quality import add_quality
from genesys_dagster.sandbox.conversations.voice_media import Line, media_stats
from genesys_dagster.sandbox.directory import Agent, Queue
from genesys_dagster.sandbox.times import SECOND


def agent_call(draft: Draft) -> None:
    """An agent dials a customer on behalf of a queue."""
    draft.record["originatingDirection"] = "outbound"
    draft.record["conversationInitiator"] = "agent"
    queue = draft.directory.queue_for("outbound", draft.dice)
    _dial(draft, queue, draft.start, {})


def campaign_call(draft: Draft) -> None:
    """A dialling campaign calls a contact and connects an agent."""
    dice = draft.dice
    draft.record["originatingDirection"] = "outbound"
    draft.record["conversationInitiator"] = "dialer"
    draft.record["externalTag"] = f"campaign-{dice.between(1, 40):02d}"
    queue = draft.directory.queue_for("outbound", dice)
    campaign: Json = {
        "outboundCampaignId": dice.pick(draft.directory.campaign_ids),
        "outboundContactListId": dice.pick(draft.directory.contact_list_ids),
        "outboundContactId": dice.hex(32),
    }
    dialer = draft.participant("dialer", participantName=queue.name)
    leg = draft.session(dialer, "voice", "outbound", provider="Edge", **campaign)
    leg.queue = queue.id
    prepared = draft.start + dice.between(200, 900)
    leg.segment("system", draft.start, prepared, queueId=queue.id, disconnectType="transfer")
    leg.metric("nOutboundAttempted", 1, prepared)
    _dial(draft, queue, prepared, campaign)


def _dial(draft: Draft, queue: Queue, at: int, campaign: Json) -> None:
    dice = draft.dice
    line = Line(draft, "outbound", queue.address)
    agent = draft.agent(queue)
    customer = draft.participant("customer", participantName=line.name)
    theirs = draft.session(customer, "voice", "outbound", **line.leg(draft, caller=True), **campaign)
    participant = draft.agent_participant(agent)
    ours = draft.session(
        participant,
        "voice",
        "outbound",
        peerId=theirs.id,
        remote=line.name,
        scriptId=dice.pick(draft.directory.script_ids),
        **line.leg(draft, session_dnis=agent.station),
        **campaign,
    )
    ours.queue = queue.id
    contacted = at + dice.between(400, 2_500)
    answered = contacted + dice.around(14 * SECOND)
    ours.segment("contacting", at, contacted, queueId=queue.id)
    ours.metric("nOutbound", 1, at)
    ours.metric("tContacting", contacted - at, contacted)
    if dice.chance(0.38):
        _nobody_there(draft, theirs, ours, queue, contacted=contacted, given_up=answered)
        handled, end = answered - at, answered
        disconnect(ours, "endpoint")
    else:
        end, handled = _talk(draft, theirs, ours, queue, contacted=contacted, answered=answered)
        handled += answered - at
        media_stats(draft, theirs, answered, end, 2)
        media_stats(draft, ours, contacted, end, 3)
    done = wrap_up(draft, ours, queue, end, handled)
    participant["attributes"] = agent_attributes(draft)
    customer["attributes"] = customer_attributes(draft)
    _after(draft, queue, agent, done, reached=len(theirs.segments) > 1)


def _talk(  # noqa: PLR0913 - keywords
    draft: Draft, theirs: Session, ours: Session, queue: Queue, *, contacted: int, answered: int
) -> tuple[int, int]:
    """The customer picks up; returns the end of the talk and the time talked and held."""
    dice = draft.dice
    theirs.segment("dialing", contacted, answered)
    theirs.metric("tDialing", answered - contacted, answered)
    ours.segment("dialing", contacted, answered, queueId=queue.id)
    ours.metric("tDialing", answered - contacted, answered)
    # Outbound it counts in the queue, as often as there was talk (published aggregates of a voice org).
    ours.metric("nConnected", 1, answered)
    ours.metric("nOutboundConnected", 1, answered)
    end, handled = work(
        draft, ours, queue, answered, talk=dice.around(130 * SECOND, 0.8), holds=int(dice.chance(0.15))
    )
    disconnect(ours, dice.pick(("client", "peer")))
    theirs.segment("interact", answered, end, disconnectType="client")
    theirs.metric("tConnected", end - answered, end)
    return end, handled


def _nobody_there(  # noqa: PLR0913 - keywords
    draft: Draft, theirs: Session, ours: Session, queue: Queue, *, contacted: int, given_up: int
) -> None:
    """Busy, no answer or an unreachable number."""
    code, q850, kind = draft.dice.pick(((486, 17, "endpoint"), (480, 19, "timeout"), (404, 1, "uncallable")))
    theirs.segment(
        "dialing", contacted, given_up, disconnectType=kind, sipResponseCodes=[code], q850ResponseCodes=[q850]
    )
    theirs.metric("tDialing", given_up - contacted, given_up)
    if kind == "uncallable":
        theirs.segments[-1]["errorCode"] = "error.ininedgecontrol.connection.outbound.address"
        theirs.fields["errorCodeDescription"] = "The address could not be reached."
    ours.segment("dialing", contacted, given_up, queueId=queue.id)
    ours.metric("tDialing", given_up - contacted, given_up)
    theirs.fields["dispositionName"] = "ININ-OUTBOUND-NO-ANSWER"
    theirs.fields["dispositionAnalyzer"] = "disposition.classification.callable.noanswer"


def _after(draft: Draft, queue: Queue, agent: Agent, done: int, *, reached: bool) -> None:
    if reached:
        draft.record["customerParticipation"] = True
        add_quality(draft, queue, agent, done)
    else:
        draft.record["customerParticipation"] = False
    if draft.dice.chance(0.05):
        draft.participants[0]["participantName"] = names.phone(draft.dice)
