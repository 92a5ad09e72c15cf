"""Architect flows: what happens to a conversation before and beside people."""

from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.directory import Flow, Queue
from genesys_dagster.sandbox.times import iso


def flow_fields(draft: Draft, flow: Flow, entry: str, queue: Queue | None, *, exit_reason: str) -> Json:
    """The `flow` of a session; with a queue it ends in a transfer to it."""
    language = queue.language if queue else "en-us"
    fields: Json = {
        "flowId": flow.id,
        "flowName": flow.name,
        "flowType": flow.type,
        "flowVersion": flow.version,
        "entryReason": entry,
        "entryType": "dnis" if entry.startswith(("tel:", "sip:")) else "direct",
        "exitReason": exit_reason,
        "startingLanguage": language,
        "endingLanguage": language,
    }
    if exit_reason == "TRANSFER" and queue:
        fields["transferType"] = "ACD"
        fields["transferTargetName"] = queue.name
        fields["transferTargetAddress"] = queue.id
    if exit_reason == "DISCONNECT" and draft.dice.chance(0.1):
        fields["recognitionFailureReason"] = "MaxNoInputs"
    return fields


def run_flow(draft: Draft, session: Session, fields: Json, start: int, end: int) -> None:
    """Give a session its flow from `start` to `end`, with outcomes and metrics."""
    dice = draft.dice
    session.metric("nFlow", 1, start)
    outcomes: list[Json] = []
    if dice.chance(0.55):
        flow_outcomes = 1 + dice.chance(0.2)
        for number in range(flow_outcomes):
            reached = start + (end - start) * (number + 1) // (flow_outcomes + 1)
            succeeded = dice.chance(0.8)
            outcomes.append(
                {
                    "flowOutcome": "SUCCESS" if succeeded else "FAILURE",
                    "flowOutcomeId": draft.directory.bot_flow.outcome_ids[number],
                    "flowOutcomeStartTimestamp": iso(start),
                    "flowOutcomeEndTimestamp": iso(reached),
                    "flowOutcomeValue": "SUCCESS" if succeeded else "FAILURE",
                }
            )
            session.metric("nFlowOutcome", 1, reached)
            session.metric("tFlowOutcome", reached - start, reached)
            if not succeeded:
                session.metric("nFlowOutcomeFailed", 1, reached)
    if outcomes:
        fields["outcomes"] = outcomes
    if dice.chance(0.3):
        session.metric("nFlowMilestone", 1, end)
        session.metric("oFlowMilestone", dice.between(1, 4), end)
    session.metric("tFlow", end - start, end)
    left = "tFlowExit" if fields["exitReason"] == "TRANSFER" else "tFlowDisconnect"
    session.metric(left, end - start, end)
    session.fields["flow"] = fields
