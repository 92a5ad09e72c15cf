-- One row per metric value of a session.
-- An item that is null has no row, so that the positions still tell what the record held.
-- A session's queue is the one that its segments name: null if they name none or several.
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
queued_session AS (
    SELECT
        *,
        list_distinct(list_transform(session.segments, lambda segment: segment.queueId)) AS queues
    FROM each_session
    WHERE session IS NOT NULL
),
each_metric AS (
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
        queues,
        unnest(range(len(session.metrics))) AS metric_index,
        unnest(session.metrics) AS metric
    FROM queued_session
)
SELECT
    conversationId AS conversation_id,
    participant_index,
    participantId AS participant_id,
    session_index,
    sessionId AS session_id,
    metric_index,
    conversationStart AS conversation_start,
    originatingDirection AS originating_direction,
    purpose,
    userId AS user_id,
    mediaType AS media_type,
    direction,
    CASE WHEN len(queues) = 1 THEN queues[1] END AS queue_id,
    metric.emitDate AS emit_date,
    metric.name AS name,
    metric.value AS value
FROM each_metric
WHERE metric IS NOT NULL
