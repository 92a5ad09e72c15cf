"""What is attached to a conversation after it was handled: evaluations, surveys and resolutions.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_evaluation.py, analytics_survey.py and
analytics_resolution.py.
"""

from genesys_dagster.records.field import Field, choice, count, flag, number, reference, text, timestamp

# The total scores are integers in these models and floats where they are calculated (SDK 269
# models/evaluation_scoring_set.py, survey_scoring_set.py): declared as numbers, a fraction survives.

EVALUATION: list[Field] = [
    flag("assigneeApplicable", "Whether the evaluation can have an assignee; false when none applies."),
    reference("assigneeId", "User to whom the evaluation is assigned."),
    text("calibrationId", "Calibration (training of evaluators) to which the evaluation belongs."),
    reference("contextId", "Evaluation form, the same id for all versions of the form."),
    flag("deleted", "True for an evaluation that was deleted."),
    text("evaluationId", "Id of the evaluation."),
    choice("evaluationStatus", "Evaluation stage: Pending, InProgress, InReview, Finished or Retracted."),
    reference("evaluatorId", "User who evaluated the interaction."),
    timestamp("eventTime", "When the evaluation took place."),
    reference("formId", "Evaluation form that was filled in."),
    choice("formName", "Name of the evaluation form that was filled in."),
    reference("queueId", "Queue to which the evaluation relates."),
    flag("released", "True for an evaluation that was released."),
    flag("rescored", "Whether the evaluation was scored again, once or more often."),
    flag("systemSubmitted", "Whether the system, not a person, submitted the evaluation."),
    reference("userId", "Agent whose work was evaluated."),
    number("oTotalCriticalScore", "Total critical score of the evaluation."),
    number("oTotalScore", "Total score of the evaluation."),
]

SURVEY: list[Field] = [
    timestamp("eventTime", "When the survey event happened."),
    reference("queueId", "Queue to which the survey relates."),
    timestamp("surveyCompletedDate", "When the survey was completed."),
    reference("surveyFormContextId", "Survey form, the same id for all versions of the form."),
    reference("surveyFormId", "Survey form that was used."),
    choice("surveyFormName", "Name of the survey form that was used."),
    text("surveyId", "Id by which the survey is known."),
    flag("surveyPartialResponse", "Whether required questions were left open when the survey was completed."),
    count("surveyPromoterScore", "Score that the survey adds to the Net Promoter Score (NPS)."),
    choice("surveyStatus", "How far the survey has come."),
    choice("surveyType", "Kind of the survey: Web or Voice."),
    reference("userId", "Agent about whom the customer was asked."),
    number("oSurveyTotalScore", "Total score of the survey."),
]

RESOLUTION: list[Field] = [
    timestamp("eventTime", "When the resolution event happened."),
    reference("queueId", "Queue that handled the conversation last."),
    reference("userId", "User who handled the conversation last."),
    count("nNextContactAvoided", "Number of next contacts avoided by this resolution."),
]
