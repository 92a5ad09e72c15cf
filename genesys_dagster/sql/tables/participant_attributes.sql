-- One row per attribute of a participant, in the record's order.
WITH each_participant AS (
    SELECT
        conversationId,
        conversationStart,
        unnest(range(len(participants))) AS participant_index,
        unnest(participants) AS participant
    FROM conversation_details
),
each_attribute AS (
    SELECT
        conversationId,
        conversationStart,
        participant_index,
        participant.participantId,
        participant.purpose,
        unnest(participant.attributes) AS attribute
    FROM each_participant
)
SELECT
    conversationId AS conversation_id,
    participant_index,
    participantId AS participant_id,
    conversationStart AS conversation_start,
    purpose,
    attribute.key AS key,
    attribute.value AS value
FROM each_attribute
