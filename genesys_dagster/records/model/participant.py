"""The participants of a conversation: customers, agents, queues (acd), flows and other parties.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_participant.py.
"""

from genesys_dagster.records.field import Field, choice, flag, many, reference, text, text_map
from genesys_dagster.records.model.session import SESSION

PARTICIPANT: list[Field] = [
    text("externalContactId", "External contact that the participant is, by id.", personal=True),
    text("externalOrganizationId", "External organization of the participant, by id."),
    choice("flaggedReason", "Why the participant flagged the conversation, such as general."),
    text("participantId", "Id of the participant."),
    text("participantName", "Name of the participant, for people to read.", personal=True),
    choice("purpose", "Role of the participant, such as customer, external, ivr, acd, agent or user."),
    flag("screenRecording", "Whether recording of the screen was started."),
    reference("teamId", "Team to which the user belongs."),
    reference("userId", "User of Genesys Cloud who took part."),
    many("sessions", "Sessions that the participant had in the conversation.", SESSION),
    # SDK 269 models/analytics_participant_without_attributes.py: the interactive query lacks this one field.
    text_map("attributes", "Participant attributes, name to value; from bulk jobs only.", personal=True),
]
