"""The columns of agents' time: names, units and meanings. All times are in seconds, to the millisecond.

Presence is what the user has said, routing status what the routing of interactions has done: who sets a break during a
call goes on interacting, so that the one does not add up to the other (Genesys staff, developer forum, thread 327).
"""

from genesys_dagster.records.field import (
    NUMBER,
    TEXT,
    Columns,
    Field,
    MapOf,
    calendar_day,
    choice,
    number,
    reference,
    text,
    timestamp,
)

# The columns of the statuses by Genesys Cloud's names of them.
PRESENCE_SECONDS = {
    "AVAILABLE": "available_seconds",
    "AWAY": "away_seconds",
    "BREAK": "break_seconds",
    "BUSY": "busy_seconds",
    "IDLE": "system_away_seconds",
    "MEAL": "meal_seconds",
    "MEETING": "meeting_seconds",
    "OFFLINE": "offline_seconds",
    "ON_QUEUE": "on_queue_seconds",
    "TRAINING": "training_seconds",
}
ROUTING_SECONDS = {
    "COMMUNICATING": "communicating_seconds",
    "IDLE": "idle_seconds",
    "INTERACTING": "interacting_seconds",
    "NOT_RESPONDING": "not_responding_seconds",
    "OFF_QUEUE": "routing_off_queue_seconds",
}


def _seconds(name: str, what: str) -> Field:
    return number(f"{name}_seconds", f"{what}, in seconds.")


_AGENT = [
    reference("user_id", "Agent: the user.").required(),
    text("user_name", "Name of the agent; null where the reference data does not know it.", personal=True),
]
_DEFINITIONS = Field(
    "presence_definition_seconds",
    MapOf(TEXT, NUMBER),
    metadata={
        "description": "Presence definition (id, as in presence_definitions) to the seconds in it: the org's own presences, such "
        "as a second kind of break."
    },
)
_TIMES = [
    _seconds("logged_in", "Time in all presences but offline: on queue and off queue"),
    _seconds("on_queue", "Time in the presence ON_QUEUE"),
    _seconds("off_queue", "Time logged in and not on queue"),
    _seconds("available", "Time in the presence AVAILABLE"),
    _seconds("busy", "Time in the presence BUSY"),
    _seconds("away", "Time in the presence AWAY"),
    _seconds(
        "system_away",
        "Time in the presence IDLE: away by the system, screen locked; not the routing status IDLE",
    ),
    _seconds("break", "Time in the presence BREAK"),
    _seconds("meal", "Time in the presence MEAL"),
    _seconds("meeting", "Time in the presence MEETING"),
    _seconds("training", "Time in the presence TRAINING"),
    _seconds("offline", "Time in the presence OFFLINE"),
    _seconds("unknown_presence", "Time of which no presence is known, which does not mean offline"),
    _seconds("idle", "Time in the routing status IDLE: on queue without an interaction"),
    _seconds("interacting", "Time in the routing status INTERACTING: interactions and after-call work"),
    _seconds(
        "communicating",
        "Time in the routing status COMMUNICATING: a call that no queue routed, where those count",
    ),
    _seconds("not_responding", "Time in the routing status NOT_RESPONDING"),
    _seconds("routing_off_queue", "Time in the routing status OFF_QUEUE"),
    _seconds("unknown_routing", "Time of which no routing status is known"),
    number(
        "occupancy",
        "interacting / (interacting + communicating + idle), from 0 to 1; null where the agent had none of these.",
    ),
    _DEFINITIONS,
]

AGENT_STATUS = Columns(
    [
        timestamp("interval_start", "Start of the half hour."),
        calendar_day("day", "Day of the half hour, in the time zone of the partitions."),
        choice("half_hour", "Start of the half hour on the clock of that time zone, such as 09:30."),
        *_AGENT,
        *_TIMES,
    ]
)

AGENT_STATUS_DAILY = Columns(
    [
        calendar_day("day", "The day, in the time zone of the partitions; it can have 23 or 25 hours."),
        *_AGENT,
        timestamp("first_login", "When the agent first came from offline on the day; null if never."),
        timestamp("last_logout", "When the agent last went offline on the day; null if never."),
        *_TIMES,
    ]
)
