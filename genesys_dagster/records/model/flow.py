"""The Architect flow that a session ran through, and the outcomes it reached.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_flow.py and analytics_flow_outcome.py.
"""

from genesys_dagster.records.field import Field, choice, flag, many, reference, text, timestamp

FLOW_OUTCOME: list[Field] = [
    choice("flowOutcome", "Outcome id and outcome value in one text, with a colon between them."),
    timestamp("flowOutcomeEndTimestamp", "When the outcome ended; can be absent if it was not a success."),
    reference("flowOutcomeId", "Flow outcome, by id."),
    timestamp("flowOutcomeStartTimestamp", "When the outcome began."),
    choice("flowOutcomeValue", "Result of the outcome, such as SUCCESS."),
]

FLOW: list[Field] = [
    choice("endingLanguage", "Language in which the flow ended, as a tag such as en-us."),
    text("entryReason", "What led into the flow: an address, user id or flow id.", personal=True),
    choice("entryType", "Way into the flow: dnis, agent, flow, direct or outbound."),
    choice("exitReason", "Why the flow ended, such as DISCONNECT."),
    reference("flowId", "Flow that ran, by id."),
    choice("flowName", "Name that the flow had when it ran."),
    choice("flowType", "Kind of flow, such as INBOUNDCALL, INQUEUECALL, INBOUNDEMAIL, BOT or WORKFLOW."),
    choice("flowVersion", "Version of the flow, as text."),
    flag("issuedCallback", "Whether the flow created a callback."),
    choice("recognitionFailureReason", "Failure of recognition that made the flow exit or disconnect."),
    choice("startingLanguage", "Language in which the flow began, as a tag such as en-us."),
    text("transferTargetAddress", "Phone number, email or queue id transferred to.", personal=True),
    text("transferTargetName", "Name of the target to which the flow transferred.", personal=True),
    choice("transferType", "Kind of the transfer with which the flow ended."),
    many("outcomes", "Outcomes that the flow recorded.", FLOW_OUTCOME),
]
