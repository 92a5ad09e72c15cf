"""What is attached to a conversation after its end, hours or weeks later: evaluations, surveys, resolutions."""

from genesys_dagster.sandbox.conversations.draft import Draft, Json
from genesys_dagster.sandbox.directory import Agent, Queue
from genesys_dagster.sandbox.times import DAY, HOUR, MINUTE, iso


def add_quality(draft: Draft, queue: Queue, agent: Agent, end: int, *, written: bool = False) -> None:
    """Let a few handled conversations be evaluated, surveyed and marked as resolved.

    Args:
        draft: The conversation.
        queue: The queue of the last agent.
        agent: The last agent.
        end: When the last agent was done (ms).
        written: Whether it was a written contact (other forms).
    """
    dice = draft.dice
    chance = dice.random()
    if chance < 0.035:
        _evaluate(draft, queue, agent, end, written=written)
    if 0.02 < chance < 0.09:
        _survey(draft, queue, agent, end, written=written)
    if chance > 0.93:
        _resolve(draft, queue, agent, end)


def _evaluate(draft: Draft, queue: Queue, agent: Agent, end: int, *, written: bool) -> None:
    dice = draft.dice
    at = end + dice.between(3 * HOUR, 9 * DAY)
    name, form_id, context_id = draft.directory.evaluation_forms[2 if written else dice.between(0, 1)]
    score = dice.between(55, 100)
    evaluation: Json = {
        "evaluationId": dice.uuid(),
        "evaluationStatus": "Finished",
        "evaluatorId": draft.directory.agents[0].id,
        "eventTime": iso(at),
        "formId": form_id,
        "formName": name,
        "contextId": context_id,
        "queueId": queue.id,
        "userId": agent.id,
        "released": True,
        "rescored": dice.chance(0.1),
        "deleted": False,
        "systemSubmitted": False,
        "assigneeApplicable": False,
        "oTotalScore": score,
        "oTotalCriticalScore": min(100, score + dice.between(0, 10)),
    }
    if dice.chance(0.08):
        evaluation["evaluationStatus"] = "Retracted"
        evaluation["released"] = False
    if dice.chance(0.1):
        evaluation["calibrationId"] = dice.uuid()
    draft.record["evaluations"] = [evaluation]
    draft.later(at)


def _survey(draft: Draft, queue: Queue, agent: Agent, end: int, *, written: bool) -> None:
    dice = draft.dice
    sent = end + dice.between(MINUTE, 20 * MINUTE)
    name, form_id, context_id = draft.directory.survey_forms[1 if written else 0]
    survey: Json = {
        "surveyId": dice.uuid(),
        "surveyFormId": form_id,
        "surveyFormContextId": context_id,
        "surveyFormName": name,
        "surveyType": "Web" if written else "Voice",
        "queueId": queue.id,
        "userId": agent.id,
        "eventTime": iso(sent),
        "surveyStatus": "Sent",
    }
    if dice.chance(0.6):
        done = sent + dice.between(MINUTE, 2 * DAY)
        survey["surveyStatus"] = "Finished"
        survey["surveyCompletedDate"] = survey["eventTime"] = iso(done)
        survey["surveyPromoterScore"] = dice.between(0, 10)
        survey["oSurveyTotalScore"] = dice.between(20, 100)
        survey["surveyPartialResponse"] = dice.chance(0.1)
        sent = done
    draft.record["surveys"] = [survey]
    draft.later(sent)


def _resolve(draft: Draft, queue: Queue, agent: Agent, end: int) -> None:
    at = end + 7 * DAY
    draft.record["resolutions"] = [
        {
            "eventTime": iso(at),
            "queueId": queue.id,
            "userId": agent.id,
            "nNextContactAvoided": int(draft.dice.chance(0.8)),
        }
    ]
    draft.later(at)
