"""The columns of periods of presence and routing status, and the values that are known of them.

Genesys Cloud gives a period no id (SDK 269, models/analytics_user_presence_record.py and
analytics_routing_status_record.py): a period is told by its user, its kind and its start.
"""

from typing import Literal, TypeAlias

from genesys_dagster.records.field import Columns, choice, reference, text, timestamp

Kind: TypeAlias = Literal["presence", "routing_status"]

# SDK 269, models/analytics_user_presence_record.py, analytics_routing_status_record.py.
SYSTEM_PRESENCES = (
    "AVAILABLE", "AWAY", "BUSY", "OFFLINE", "IDLE", "ON_QUEUE", "MEAL", "TRAINING", "MEETING", "BREAK",
)  # fmt: skip
ROUTING_STATUSES = ("OFF_QUEUE", "IDLE", "INTERACTING", "NOT_RESPONDING", "COMMUNICATING")

_KIND = choice("kind", "What the period is one of: presence or routing_status.").required()
_USER = reference("user_id", "User whose status it is.").required()
_START = timestamp("start_time", "When the period began, however long ago.")
_END = timestamp("end_time", "When it ended; null while it is open, as far as is known.")
_PRESENCE = choice(
    "system_presence",
    "What the user has chosen to be: AVAILABLE, AWAY, BUSY, OFFLINE, IDLE (away by the system), ON_QUEUE, MEAL, TRAINING, "
    "MEETING or BREAK.",
)
_DEFINITION = reference(
    "organization_presence_id", "Presence definition, of the system or the org's own, by id."
)
_ROUTING = choice(
    "routing_status",
    "What the routing of interactions makes of the user: OFF_QUEUE, IDLE, INTERACTING, NOT_RESPONDING or COMMUNICATING.",
)
UNKNOWN_FIELDS = text(
    "unknown_fields",
    "JSON object, path to value, of everything in the record that the columns cannot hold as it was sent. What stands at "
    "the user and not at a period is at the user's first period, under userDetail.",
    personal=True,
)

USER_PRESENCE = Columns([_USER, _START, _END, _PRESENCE, _DEFINITION, UNKNOWN_FIELDS])
USER_ROUTING_STATUS = Columns([_USER, _START, _END, _ROUTING, UNKNOWN_FIELDS])
PERIODS = Columns([_KIND, *USER_PRESENCE, _ROUTING])
"""Periods of both kinds together: those that begin on days before that of their partition."""

KEY = ("user_id", "start_time")
"""What tells periods of one kind apart."""
