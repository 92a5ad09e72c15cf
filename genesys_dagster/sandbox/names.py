"""The vocabulary of the made-up org: queues, codes, skills and the parts that people's names are put together from.

Telephone numbers come from ranges kept for fiction (+1-555-01xx by the North American Numbering Plan,
+44 20 7946 0xxx by Ofcom), addresses from the domains of RFC 2606.
"""

from genesys_dagster.sandbox.dice import Dice

FIRST_NAMES = (
    "Alex", "Sam", "Robin", "Kim", "Charlie", "Jamie", "Noor", "Sasha", "Taylor", "Jordan", "Morgan", "Casey",
    "Zoë", "José", "Søren", "Łucja", "Anaïs", "Jürgen", "Mika", "Yuki",
)  # fmt: skip
LAST_NAMES = (
    "Baker", "Carter", "Fisher", "Gardner", "Hill", "Lake", "Mason", "North", "Parker", "Rivers", "Shepherd",
    "Stone", "Underwood", "Walker", "Young", "Müller", "Novák", "O'Dell", "Østby", "Nakano",
)  # fmt: skip

DIVISIONS = (
    ("Home", "The home division"),
    ("EMEA", "Europe, Middle East and Africa"),
    ("Americas", "North and South America"),
    ("Back Office", "Complaints and claims"),
)

# name, media, division, skill, language, seconds within which the first medium is to be answered, share of its volume
QUEUES = (
    ("Customer Care", ("voice", "callback"), "EMEA", "General", "English", 20, 30),
    ("Kundenservice", ("voice", "callback"), "EMEA", "General", "German", 20, 14),
    ("Customer Care US", ("voice", "callback"), "Americas", "General", "English", 30, 22),
    ("Technical Support", ("voice", "callback"), "Home", "Technical", "English", 45, 16),
    ("Billing", ("voice", "callback"), "Home", "Billing", "English", 30, 12),
    ("Retention", ("voice", "callback"), "Americas", "Retention", "English", 15, 6),
    ("Outbound Renewals", ("outbound",), "Americas", "Retention", "English", 30, 60),
    ("Outbound Welcome", ("outbound",), "EMEA", "General", "English", 30, 40),
    ("Web Chat", ("chat",), "EMEA", "Digital", "English", 30, 70),
    ("Web Chat US", ("chat",), "Americas", "Digital", "English", 30, 30),
    ("Messaging", ("message",), "Home", "Digital", "English", 60, 65),
    ("Messaging DE", ("message",), "EMEA", "Digital", "German", 60, 35),
    ("Email", ("email",), "Home", "Digital", "English", 14_400, 75),
    ("Complaints", ("email",), "Back Office", "Complaints", "English", 28_800, 25),
)

SKILLS = ("General", "Technical", "Billing", "Retention", "Digital", "Complaints")
LANGUAGES = ("English", "German", "Spanish", "French")
TEAMS = ("Team Amber", "Team Birch", "Team Cedar", "Team Delta", "Team Elm", "Team Fjord")
GROUPS = ("Supervisors", "Quality managers", "Night shift")

WRAPUP_CODES = (
    "Resolved", "Follow-up needed", "Information given", "Order placed", "Order changed", "Refund issued",
    "Complaint logged", "Technical fault", "Escalated", "Wrong number", "Callback agreed", "Sale", "No sale",
    "Contract renewed", "Contract cancelled", "Voicemail left", "Duplicate", "Übergabe an Fachabteilung",
)  # fmt: skip

WRAPUP_NOTES = (
    "",
    "Customer asked for a copy of the last invoice.",
    "Delivery promised for the end of the week; parcel was held at the depot.",
    "Router restarted, line is stable again.",
    "Wants to be called after 17:00\nleft a note for the late shift",
    "Tarif geändert, Bestätigung folgt per E-Mail | Vorgang geschlossen",
    "Refund of 24.90 € agreed \u2013 goodwill.",
)

SUBJECTS = (
    "Question about my order",
    "Re: Invoice",
    "Change of address",
    "Reklamation: Lieferung unvollständig",
    "Cancellation of my contract",
    "RE: RE: Login does not work",
    "Damaged parcel 📦",
)

EVALUATION_FORMS = ("Call quality", "Compliance", "Written contact")
SURVEY_FORMS = ("After the call", "After the chat")


def person(dice: Dice) -> str:
    """A made-up name."""
    return f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}"


def phone(dice: Dice) -> str:
    """A telephone number that is nobody's."""
    if dice.chance(0.5):
        return f"+1{dice.between(201, 989)}55501{dice.between(0, 99):02d}"
    return f"+44207946{dice.between(0, 999):04d}"


def mail_address(name: str) -> str:
    """An e-mail address for a made-up name."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "." for letter in name.lower())
    return f"{letters}@example.com"
