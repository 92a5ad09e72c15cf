-- One row per quality evaluation of a conversation.
-- An item that is null has no row, so that the positions still tell what the record held.
WITH each_evaluation AS (
    SELECT
        conversationId,
        conversationStart,
        unnest(range(len(evaluations))) AS evaluation_index,
        unnest(evaluations) AS evaluation
    FROM conversation_details
)
SELECT
    conversationId AS conversation_id,
    evaluation_index,
    conversationStart AS conversation_start,
    evaluation.assigneeApplicable AS assignee_applicable,
    evaluation.assigneeId AS assignee_id,
    evaluation.calibrationId AS calibration_id,
    evaluation.contextId AS context_id,
    evaluation.deleted AS deleted,
    evaluation.evaluationId AS evaluation_id,
    evaluation.evaluationStatus AS evaluation_status,
    evaluation.evaluatorId AS evaluator_id,
    evaluation.eventTime AS event_time,
    evaluation.formId AS form_id,
    evaluation.formName AS form_name,
    evaluation.queueId AS queue_id,
    evaluation.released AS released,
    evaluation.rescored AS rescored,
    evaluation.systemSubmitted AS system_submitted,
    evaluation.userId AS user_id,
    evaluation.oTotalCriticalScore AS o_total_critical_score,
    evaluation.oTotalScore AS o_total_score
FROM each_evaluation
WHERE evaluation IS NOT NULL
