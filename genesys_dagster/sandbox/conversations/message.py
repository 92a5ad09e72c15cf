"""Messages (web messaging, WhatsApp, SMS …): a bot first, then people; some threads stay open for weeks."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.attributes import customer_attributes
from genesys_dagster.sandbox.conversations.digital import Contact
from genesys_dagster.sandbox.conversations.draft import Draft
from genesys_dagster.sandbox.conversations.flows import flow_fields, run_flow
from genesys_dagster.sandbox.conversations.waiting import MESSAGE
from genesys_dagster.sandbox.times import DAY, HOUR, SECOND, iso

_CHANNELS = (
    ("webmessaging", "WebChat", "PureCloud Messaging"),
    ("whatsapp", "WhatsApp", "PureCloud Messaging"),
    ("sms", "SMS", "PureCloud SMS"),
    ("open", "OpenMessaging", "PureCloud Open Messaging"),
)


def message(draft: Draft) -> None:
    """A message thread settled within the day."""
    _thread(draft, sittings=1)


def message_thread(draft: Draft) -> None:
    """A message thread that comes back over days and weeks."""
    _thread(draft, sittings=draft.dice.between(2, 6))


def _thread(draft: Draft, sittings: int) -> None:
    dice = draft.dice
    kind, source, provider = dice.pick(_CHANNELS)
    queue = draft.directory.queue_for("message", dice)
    name = names.person(dice)
    theirs = names.phone(dice) if kind in {"sms", "whatsapp"} else dice.uuid()
    fields = {"provider": provider, "messageType": kind, "addressFrom": theirs, "addressTo": queue.address}
    contact = Contact(draft, "message", queue, name, fields)
    contact.customer["attributes"] = customer_attributes(draft)
    contact.customer_session.fields |= {
        "engagementSource": source,
        "authenticated": dice.chance(0.3),
        "mediaCount": dice.between(0, 3),
        "deliveryStatus": "Read",
        "deliveryStatusChangeDate": iso(draft.start),
    }
    if kind == "open":
        draft.record["originatingSocialMediaPublic"] = False
    contained = _bot(draft, contact) and sittings == 1
    if contained:
        draft.record["selfServed"] = True
    else:
        for sitting in range(sittings):
            if sitting:
                contact.at += dice.around(40 * HOUR, 0.8, 4.0)
            if not _sitting(contact, sitting, last=sitting == sittings - 1):
                break
    draft.record["inactivityTimeout"] = iso(contact.at + 3 * DAY)
    contact.finish("client" if dice.chance(0.6) else "inactivity")


def _bot(draft: Draft, contact: Contact) -> bool:
    """The virtual assistant's part; True when it settles the matter."""
    dice = draft.dice
    flow = draft.directory.bot_flow
    contained = dice.chance(0.22)
    bot = contact.join(draft.participant("botflow", participantName=flow.name))
    end = contact.at + dice.around(50 * SECOND, 0.7)
    reason = "DISCONNECT" if contained else "TRANSFER"
    bot.segment("system", contact.at, end, disconnectType="client" if contained else "transfer")
    fields = flow_fields(draft, flow, "message", contact.queue, exit_reason=reason)
    run_flow(draft, bot, fields, contact.at, end)
    bot.metric("nBotInteractions", 1, end)
    bot.metric("oMessageTurn", dice.between(1, 9), end)
    if dice.chance(0.3):
        draft.record["knowledgeBaseIds"] = [dice.pick(draft.directory.knowledge_base_ids)]
    contact.at = end
    return contained


def _sitting(contact: Contact, number: int, *, last: bool) -> bool:
    """One agent's part of the thread; False when the customer has gone."""
    draft, dice = contact.draft, contact.draft.dice
    if not contact.wait(*MESSAGE.draw(draft)):
        return False
    agent, _, session = contact.take(offset=5 * number)
    handled = contact.talk(session, contact.pace(75, dice.between(2, 5), 90))
    session.metric("oMessageTurn", dice.between(2, 14), contact.at)
    session.metric("oMessageCount", dice.between(3, 30), contact.at)
    if last:
        contact.close(agent, session, handled, dice.pick(("client", "peer")))
    else:
        session.metric("tPark", 1 + handled // 3, contact.at)
        contact.transfer(session, handled)
    return True
