-- One row per participant of a conversation.
-- An item that is null has no row, so that the positions still tell what the record held.
WITH each_participant AS (
    SELECT
        conversationId,
        conversationStart,
        originatingDirection,
        unnest(range(len(participants))) AS participant_index,
        unnest(participants) AS participant
    FROM conversation_details
)
SELECT
    conversationId AS conversation_id,
    participant_index,
    participant.participantId AS participant_id,
    conversationStart AS conversation_start,
    originatingDirection AS originating_direction,
    participant.externalContactId AS external_contact_id,
    participant.externalOrganizationId AS external_organization_id,
    participant.flaggedReason AS flagged_reason,
    participant.participantName AS participant_name,
    participant.purpose AS purpose,
    participant.screenRecording AS screen_recording,
    participant.teamId AS team_id,
    participant.userId AS user_id,
    len(participant.sessions) AS session_count,
    len(participant.attributes) AS attribute_count
FROM each_participant
WHERE participant IS NOT NULL
