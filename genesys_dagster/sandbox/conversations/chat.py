"""Web chats: short, one sitting, sometimes with co-browsing."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.attributes import customer_attributes
from genesys_dagster.sandbox.conversations.digital import Contact
from genesys_dagster.sandbox.conversations.draft import Draft, Session
from genesys_dagster.sandbox.conversations.flows import flow_fields, run_flow
from genesys_dagster.sandbox.conversations.waiting import CHAT
from genesys_dagster.sandbox.times import SECOND


def chat(draft: Draft) -> None:
    """A visitor chats with an agent."""
    dice = draft.dice
    queue = draft.directory.queue_for("chat", dice)
    name = names.person(dice)
    room = f"{dice.hex(24)}@conference.sandbox.orgspan.com"
    contact = Contact(draft, "chat", queue, name, {"provider": "Webchat Provider", "roomId": room})
    contact.customer["attributes"] = customer_attributes(draft)
    contact.customer_session.fields |= {
        "journeyCustomerId": dice.uuid(),
        "journeyCustomerIdType": "cookie",
        "journeyCustomerSessionId": dice.uuid(),
        "journeyCustomerSessionIdType": "web",
    }
    workflow = contact.join(draft.participant("workflow", participantName=queue.flow.name))
    passed = draft.start + dice.between(300, 2_000)
    workflow.segment("system", draft.start, passed, disconnectType="transfer")
    fields = flow_fields(draft, queue.flow, "chat", queue, exit_reason="TRANSFER")
    run_flow(draft, workflow, fields, draft.start, passed)
    contact.at = passed
    if contact.wait(*CHAT.draw(draft)):
        agent, participant, session = contact.take()
        turns = dice.between(1, 4)
        handled = contact.talk(session, contact.pace(110, turns, 25))
        if dice.chance(0.06):
            _cobrowse(draft, participant, session, contact.at)
        if dice.chance(0.1):
            contact.transfer(session, handled)
            if contact.wait(*CHAT.draw(draft)):
                agent, _, session = contact.take(offset=3)
                handled = contact.talk(session, contact.pace(140, 2, 20))
                contact.close(agent, session, handled, "peer")
        else:
            contact.close(agent, session, handled, dice.pick(("peer", "client", "timeout")))
    contact.finish(dice.pick(("peer", "client", "timeout")))


def _cobrowse(draft: Draft, participant: dict[str, object], session: Session, at: int) -> None:
    """The agent sees the visitor's page for a while."""
    dice = draft.dice
    end = at
    start = max(draft.start, end - dice.around(60 * SECOND))
    browsing = draft.session(
        participant,
        "cobrowse",
        "outbound",
        peerId=session.id,
        provider="PureCloud Cobrowse",
        cobrowseRole="viewer",
        cobrowseRoomId=dice.hex(20),
    )
    browsing.segment("sharing", start, end, disconnectType="client")
    browsing.metric("nCobrowseSessions", 1, start)
