-- One row per metric value of a session.
-- An item that is null has no row, so that the positions still tell what the record held.
-- The queue of a metric is that of its session when it was emitted, as Genesys Cloud counts it: the queue of the latest
-- segment with one that had begun by then, else of the first. Most sessions are in one queue all the time.
-- What is emitted at the very instant of a change is in the queue left if it measures what ended (t…: developer forum,
-- thread 18235; that this decides the queue is inferred), else in the queue entered.
-- nConnected of an inbound session is in none: the customer's segment names a queue from connecting on, but Genesys Cloud
-- counts it without (a week of conversation aggregates of a voice org, published as sample data of a dashboard: not one in
-- inbound queues of up to 1,300 answers; outbound it is in the queue). For other media than voice this is inferred.
-- An empty id is no queue (inferred: ids are UUIDs).
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
        list_distinct(list_transform(session.segments, lambda segment: nullif(segment.queueId, ''))) AS queues
    FROM each_session
    WHERE session IS NOT NULL
),
moved_session AS (
    SELECT
        *,
        CASE
            WHEN len(queues) > 1
                THEN list_sort(
                    list_transform(
                        list_filter(session.segments, lambda segment: segment.queueId <> ''),
                        lambda segment, position: struct_pack(
                            began := coalesce(segment.segmentStart, CAST('-infinity' AS TIMESTAMPTZ)),
                            position := position,
                            queue := segment.queueId
                        )
                    )
                )
        END AS stays
    FROM queued_session
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
        stays,
        unnest(range(len(session.metrics))) AS metric_index,
        unnest(session.metrics) AS metric
    FROM moved_session
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
    CASE
        WHEN metric.name = 'nConnected' AND direction = 'inbound' THEN NULL
        WHEN len(queues) > 1
            THEN coalesce(
                list_filter(
                    stays,
                    lambda stay: stay.began < metric.emitDate
                    OR (stay.began = metric.emitDate AND NOT coalesce(starts_with(metric.name, 't'), FALSE))
                )[-1].queue,
                stays[1].queue
            )
        ELSE queues[1]
    END AS queue_id,
    metric.emitDate AS emit_date,
    metric.name AS name,
    metric.value AS value
FROM each_metric
WHERE metric IS NOT NULL
