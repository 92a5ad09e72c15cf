"""Participant attributes: free text that flows and integrations leave on a conversation.

Keys are as odd as in real orgs: blanks inside and at the end, dots, colons, leading digits, letters beyond
ASCII, and pairs that differ only by a blank. Values are always text. Genesys Cloud cuts keys and values at
1024 characters (Genesys developer docs, "Conversation detail job").
"""

from genesys_dagster.sandbox.conversations.draft import Draft, Json

_WORDS = ("premium", "standard", "new", "returning", "private", "business", "trial")
_LONG = "The caller's last orders, oldest first: " + "item, status, carrier, promised day; " * 40


def customer_attributes(draft: Draft) -> Json:
    """What an entry flow and the CRM lookup write on the customer."""
    dice = draft.dice
    number = dice.bits(40)
    attributes: Json = {
        "Customer Tier": dice.pick(_WORDS),
        "customerId": f"C-{number % 10_000_000:07d}",
        "crm.AccountId": dice.hex(18),
        "crm.OpenCases": str(number % 4),
        "ivr.Skills": dice.pick(("General", "Billing|German", "Technical")),
        "ivr.MenuPath": ">".join(str(number >> step & 7) for step in range(0, 12, 3)),
        "Verified": "true" if number & 1 else "false",
        "Language": "de-DE" if number & 2 else "en-GB",
        "7day Contacts": str(number % 5),
        "Estimated Wait": f"PT{number % 9}M{number % 60}S",
        "Schedule Status": "Open",
        "ScheduleStatus": "open",
        "ANI ": "withheld" if number & 4 else "present",
        "context:screenPop": f"https://crm.example.com/contact/{dice.hex(12)}?tab=history&from=cti",
        "Kündigungsgrund": "" if number & 8 else "Preis",
    }
    attributes |= {
        "flow.Version": f"{number % 60}.0",
        "routing.Priority": str(number % 11),
        "contact.Reason": dice.pick(("delivery", "invoice", "contract", "fault", "other")),
        "contact.Segment": dice.pick(_WORDS),
        "last_interaction_at": f"2026-0{number % 9 + 1}-1{number % 10}T08:00:00Z",
        "scheduleGroup": "Open hours Europe",
        "dataAction.lookupCustomer": "success" if number & 64 else "",
        "PII masked": "yes",
        "hold_music": f"prompt-{number % 7}",
        "correlation_key": dice.hex(32),
    }
    if number & 48 == 48:
        attributes["survey.OptIn"] = "true"
        attributes["order.Last"] = f'{{"id": "{number % 1_000_000}", "total": 49.90, "currency": "EUR"}}'
    if number % 40 == 0:
        attributes["order.History"] = _LONG[:1024]
    return attributes


def flow_attributes(draft: Draft) -> Json:
    """What an entry flow notes about its own course."""
    dice = draft.dice
    number = dice.bits(30)
    return {
        "flow.Path": "start>greeting>menu>transfer" if number & 1 else "start>menu>transfer",
        "menu.1": str(number % 6),
        "menu.2": str(number % 4),
        "asr.confidence": f"0.{number % 100:02d}",
        "Prompt Language": "de-DE" if number & 2 else "en-GB",
        "emergency": "false",
    }


def agent_attributes(draft: Draft) -> Json:
    """What the agent's script writes on the agent's participant."""
    dice = draft.dice
    return {
        "Script Version": f"{dice.between(1, 9)}.{dice.between(0, 9)}",
        "Case Id": f"CASE-{dice.between(100_000, 999_999)}",
        "dispositionReason": dice.pick(_WORDS),
        "script.Page": f"page-{dice.between(1, 9)}",
        "crm.Opened": f"PT{dice.between(1, 30)}S",
        "Knowledge Articles": str(dice.between(0, 5)),
    }
