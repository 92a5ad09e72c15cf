-- One row per survey of a conversation.
-- An item that is null has no row, so that the positions still tell what the record held.
WITH each_survey AS (
    SELECT
        conversationId,
        conversationStart,
        unnest(range(len(surveys))) AS survey_index,
        unnest(surveys) AS survey
    FROM conversation_details
)
SELECT
    conversationId AS conversation_id,
    survey_index,
    conversationStart AS conversation_start,
    survey.eventTime AS event_time,
    survey.queueId AS queue_id,
    survey.surveyCompletedDate AS survey_completed_date,
    survey.surveyFormContextId AS survey_form_context_id,
    survey.surveyFormId AS survey_form_id,
    survey.surveyFormName AS survey_form_name,
    survey.surveyId AS survey_id,
    survey.surveyPartialResponse AS survey_partial_response,
    survey.surveyPromoterScore AS survey_promoter_score,
    survey.surveyStatus AS survey_status,
    survey.surveyType AS survey_type,
    survey.userId AS user_id,
    survey.oSurveyTotalScore AS o_survey_total_score
FROM each_survey
WHERE survey IS NOT NULL
