"""The conversation, root of the record, as the API describes it; what this project adds stands elsewhere.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_conversation.py. No model of the family
declares a required field; only the id, without which a record is worthless, is required here.
"""

from genesys_dagster.records.field import (
    Field,
    choice,
    flag,
    many,
    number,
    references,
    text,
    texts,
    timestamp,
)
from genesys_dagster.records.model.participant import PARTICIPANT
from genesys_dagster.records.model.quality import EVALUATION, RESOLUTION, SURVEY

CONVERSATION: list[Field] = [
    texts("accessAttributes", "Attributes that restrict who can see the conversation."),
    text("associatedConversationId", "Conversation that the initiator connected with this new one."),
    timestamp("conferenceStart", "When the conference call began."),
    texts("consultationConversationIds", "Conversations that the initiator connected with this one."),
    # Estuary connector source-genesys, models.py: the key is missing, not null, while the conversation runs.
    timestamp("conversationEnd", "When the conversation ended; absent while it is open."),
    text("conversationId", "Id of the conversation.").required(),
    choice("conversationInitiator", "Purpose of the participant who opened a message conversation."),
    timestamp("conversationStart", "When the conversation began."),
    flag("customerParticipation", "Whether the customer sent a message in a messaging conversation."),
    references("divisionIds", "Divisions to which the conversation belongs, by id."),
    text("externalTag", "External tag that the conversation carries.", personal=True),
    timestamp("inactivityTimeout", "Future moment from which the conversation counts as inactive."),
    references("knowledgeBaseIds", "Knowledge bases used in the conversation, by id."),
    number("mediaStatsMinConversationMos", "Lowest estimated mean opinion score (MOS) of any audio stream."),
    number("mediaStatsMinConversationRFactor", "Lowest transmission rating (R-factor) of any audio stream."),
    choice("originatingDirection", "Direction in which the conversation began: inbound or outbound."),
    flag("originatingSocialMediaPublic", "Whether a public message on social media opened the conversation."),
    flag("selfServed", "Whether self-service was enough in all sessions of flows."),
    many("evaluations", "Quality evaluations of the conversation.", EVALUATION),
    many("surveys", "Customer surveys about the conversation.", SURVEY),
    many("resolutions", "Resolutions recorded for the conversation.", RESOLUTION),
    many("participants", "All who took part: people, queues, flows and other parties.", PARTICIPANT),
]
