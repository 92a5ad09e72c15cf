-- One row per segment of a session.
-- An item that is null has no row, so that the positions still tell what the record held.
WITH each_participant AS (
    SELECT
        conversationId,
        conversationStart,
        originatingDirection,
        unnest(range(len(participants))) AS participant_index,
        unnest(participants) AS participant
    FROM conversation_details
),
each_session AS (
    SELECT
        conversationId,
        conversationStart,
        originatingDirection,
        participant_index,
        participant.participantId,
        participant.purpose,
        participant.userId,
        unnest(range(len(participant.sessions))) AS session_index,
        unnest(participant.sessions) AS session
    FROM each_participant
),
each_segment AS (
    SELECT
        conversationId,
        conversationStart,
        originatingDirection,
        participant_index,
        participantId,
        purpose,
        userId,
        session_index,
        session.sessionId,
        session.mediaType,
        session.direction,
        unnest(range(len(session.segments))) AS segment_index,
        unnest(session.segments) AS segment
    FROM each_session
)
SELECT
    conversationId AS conversation_id,
    participant_index,
    participantId AS participant_id,
    session_index,
    sessionId AS session_id,
    segment_index,
    conversationStart AS conversation_start,
    originatingDirection AS originating_direction,
    purpose,
    userId AS user_id,
    mediaType AS media_type,
    direction,
    segment.audioMuted AS audio_muted,
    segment.conference AS conference,
    segment.destinationConversationId AS destination_conversation_id,
    segment.destinationSessionId AS destination_session_id,
    segment.disconnectType AS disconnect_type,
    segment.errorCode AS error_code,
    segment.groupId AS group_id,
    segment.q850ResponseCodes AS q850_response_codes,
    segment.queueId AS queue_id,
    segment.requestedLanguageId AS requested_language_id,
    segment.requestedRoutingSkillIds AS requested_routing_skill_ids,
    segment.requestedRoutingUserIds AS requested_routing_user_ids,
    segment.segmentEnd AS segment_end,
    segment.segmentStart AS segment_start,
    segment.segmentType AS segment_type,
    segment.sipResponseCodes AS sip_response_codes,
    segment.sourceConversationId AS source_conversation_id,
    segment.sourceSessionId AS source_session_id,
    segment.subject AS subject,
    segment.videoMuted AS video_muted,
    segment.wrapUpCode AS wrap_up_code,
    segment.wrapUpNote AS wrap_up_note,
    segment.wrapUpTags AS wrap_up_tags,
    segment.scoredAgents AS scored_agents,
    segment.properties AS properties
FROM each_segment
WHERE segment IS NOT NULL
