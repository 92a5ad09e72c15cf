"""The segments of a session: stretches of time with one activity each (alert, interact, hold, wrap-up, …).

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_conversation_segment.py,
analytics_scored_agent.py and analytics_property.py.
"""

from genesys_dagster.records.field import (
    Field,
    choice,
    count,
    counts,
    flag,
    many,
    reference,
    references,
    text,
    texts,
    timestamp,
)

SCORED_AGENT: list[Field] = [
    count("agentScore", "Points from 0 to 100 given to the agent for this conversation; more is better."),
    reference("scoredAgentId", "Agent who received the score."),
]

# Components of Genesys Cloud and users of the API set these freely, so a value can be about a person.
PROPERTY: list[Field] = [
    choice("property", "Name of the property, chosen by whoever attached it."),
    choice("propertyType", "How to read the value: bool, integer, real, date, string or uuid."),
    text("value", "Value of the property, as text.", personal=True),
]

SEGMENT: list[Field] = [
    flag("audioMuted", "Whether the audio was muted."),
    flag("conference", "Whether the segment was part of a conference."),
    text("destinationConversationId", "New conversation into which this one ended for a conference."),
    text("destinationSessionId", "New session into which this one ended for a conference."),
    choice("disconnectType", "How the session was disconnected, such as client, peer or transfer."),
    choice("errorCode", "Code of the error that happened."),
    reference("groupId", "Genesys Cloud group of the segment, by id."),
    counts("q850ResponseCodes", "Cause codes of the telephone network (ITU-T Q.850)."),
    reference("queueId", "Queue of the segment."),
    reference("requestedLanguageId", "Language that the interaction asked for, by id."),
    references("requestedRoutingSkillIds", "Skills that the interaction asked for, by id."),
    references("requestedRoutingUserIds", "Agents that the interaction asked for, by id."),
    # Genesys developer forum, thread 18235: an open segment has no end.
    timestamp("segmentEnd", "When the segment ended; absent while it is open."),
    timestamp("segmentStart", "When the segment began."),
    choice("segmentType", "Activity of the segment, such as alert, ivr, interact, hold, dialing or wrapup."),
    counts("sipResponseCodes", "Response codes of the SIP signalling."),
    text("sourceConversationId", "Earlier conversation from which this one was made for a conference."),
    text("sourceSessionId", "Earlier session from which this one was made for a conference."),
    text("subject", "Subject line of the email that opened the conversation.", personal=True),
    flag("videoMuted", "Whether the video was muted or paused."),
    reference("wrapUpCode", "Wrap-up code given to the interaction."),
    text("wrapUpNote", "What the agent wrote down during after-call work.", personal=True),
    texts("wrapUpTags", "Tags that the after-call work left on the segment.", personal=True),
    many("scoredAgents", "Agents who were scored for the conversation.", SCORED_AGENT),
    many("properties", "Further properties attached to the segment.", PROPERTY),
]
