"""E-mails: long waits, no hurry; threads are resumed for weeks."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.attributes import customer_attributes
from genesys_dagster.sandbox.conversations.digital import Contact
from genesys_dagster.sandbox.conversations.draft import Draft, Json
from genesys_dagster.sandbox.times import HOUR, MINUTE


def email(draft: Draft) -> None:
    """An e-mail answered the same day."""
    _mail(draft, sittings=1)


def email_thread(draft: Draft) -> None:
    """An exchange of e-mails that goes on for days or weeks."""
    _mail(draft, sittings=draft.dice.between(2, 7))


def _mail(draft: Draft, sittings: int) -> None:
    dice = draft.dice
    queue = draft.directory.queue_for("email", dice)
    name = names.person(dice)
    theirs = names.mail_address(name)
    fields: Json = {
        "provider": "PureCloud Email",
        "addressFrom": theirs,
        "addressTo": queue.address,
        "addressOther": theirs,
        "addressSelf": queue.address,
    }
    if dice.chance(0.15):
        fields["cc"] = [f"copy.{theirs}"]
    contact = Contact(draft, "email", queue, name, fields)
    contact.customer["attributes"] = customer_attributes(draft)
    contact.customer_session.fields["mediaCount"] = dice.between(0, 4)
    subject = dice.pick(names.SUBJECTS)
    for sitting in range(sittings):
        if sitting:
            contact.at += dice.around(50 * HOUR, 0.8, 3.0)
        contact.wait(dice.around(95 * MINUTE, 0.7, 5.0), 10**12)
        agent, _, session = contact.take(offset=7 * sitting)
        handled = contact.talk(session, contact.pace(260, dice.between(1, 3), 0))
        session.segments[-1]["subject"] = subject
        session.metric("oMessageCount", 1, contact.at)
        if sitting == sittings - 1:
            contact.close(agent, session, handled, "client")
        else:
            contact.transfer(session, handled)
    contact.finish("client")
    contact.customer_session.segments[-1]["subject"] = subject
