"""A conversation as it stands at a moment: what has not happened yet is taken out of the whole record.

Absent keys are absent, never null: an open conversation has no `conversationEnd`, an open segment no
`segmentEnd`; a metric appears when its activity is over, at its `emitDate` (SDK 269
models/analytics_conversation.py, models/analytics_session_metric.py).
"""

from typing import Any

Json = dict[str, Any]

_FLOW_EXIT = (
    "endingLanguage", "exitReason", "recognitionFailureReason", "transferTargetAddress", "transferTargetName",
    "transferType",
)  # fmt: skip
_SEGMENT_EXIT = ("segmentEnd", "disconnectType", "errorCode", "sipResponseCodes", "q850ResponseCodes", "wrapUpCode",
                 "wrapUpNote", "wrapUpTags")  # fmt: skip
_SESSION_EXIT = (
    "acwSkipped",
    "dispositionAnalyzer",
    "dispositionName",
    "errorCodeDescription",
    "flowOutType",
)
_ROUTING = ("requestedRoutings", "selectedAgentId", "usedRouting")


def cut(record: Json, now: str) -> Json:
    """Take everything later than `now` out of the record, in place.

    Args:
        record: A conversation record; its own timestamps and `now` are spelled alike, so text compares.
        now: The moment, `2026-11-20T08:15:30.123Z`.
    """
    still_open = "conversationEnd" not in record or record["conversationEnd"] > now
    if still_open:
        record.pop("conversationEnd", None)
        record.pop("selfServed", None)
    if record.get("conferenceStart", now) > now:
        del record["conferenceStart"]
    for key in ("evaluations", "surveys", "resolutions"):
        _keep(record, key, lambda entry: entry["eventTime"] <= now)
    for participant in record["participants"]:
        for session in participant["sessions"]:
            _cut_session(session, now)
        _keep(participant, "sessions", lambda session: "segments" in session)
    _keep(record, "participants", lambda participant: "sessions" in participant)
    if still_open:
        _summaries(record)
    return record


def without_attributes(record: Json) -> Json:
    """Take out `participants[].attributes`, which only job results carry (Genesys developer docs)."""
    for participant in record.get("participants", ()):
        participant.pop("attributes", None)
    return record


def _keep(parent: Json, key: str, wanted: Any) -> None:
    """Keep the wanted entries of a list; an empty list leaves the record."""
    if key in parent:
        parent[key] = [entry for entry in parent[key] if wanted(entry)]
        if not parent[key]:
            del parent[key]


def _cut_session(session: Json, now: str) -> None:
    _keep(session, "segments", lambda segment: segment["segmentStart"] <= now)
    if "segments" not in session:
        return
    running = False
    for segment in session["segments"]:
        if "segmentEnd" not in segment or segment["segmentEnd"] > now:
            running = True
            for key in _SEGMENT_EXIT:
                segment.pop(key, None)
    _keep(session, "metrics", lambda metric: metric["emitDate"] <= now)
    _keep(session, "mediaEndpointStats", lambda stat: stat["eventTime"] <= now)
    if running:
        for key in _SESSION_EXIT:
            session.pop(key, None)
    if "flow" in session:
        _cut_flow(session["flow"], now, running=running)


def _cut_flow(flow: Json, now: str, *, running: bool) -> None:
    if running:
        for key in _FLOW_EXIT:
            flow.pop(key, None)
    _keep(flow, "outcomes", lambda outcome: outcome["flowOutcomeStartTimestamp"] <= now)
    for outcome in flow.get("outcomes", ()):
        if outcome.get("flowOutcomeEndTimestamp", now) > now:
            for key in ("flowOutcomeEndTimestamp", "flowOutcomeValue", "flowOutcome"):
                outcome.pop(key, None)


def _summaries(record: Json) -> None:
    """Bring the fields that sum up the conversation in line with what is left of it."""
    sessions = [
        session for participant in record.get("participants", ()) for session in participant["sessions"]
    ]
    stats = [stat for session in sessions for stat in session.get("mediaEndpointStats", ())]
    if stats:
        record["mediaStatsMinConversationMos"] = min(stat["minMos"] for stat in stats)
        record["mediaStatsMinConversationRFactor"] = min(stat["minRFactor"] for stat in stats)
    else:
        record.pop("mediaStatsMinConversationMos", None)
        record.pop("mediaStatsMinConversationRFactor", None)
    consults = {
        segment.get("destinationConversationId") for session in sessions for segment in session["segments"]
    }
    _keep(record, "consultationConversationIds", lambda consult: consult in consults)
    agents = {participant.get("userId") for participant in record.get("participants", ())}
    for session in sessions:
        if session.get("selectedAgentId") not in agents:
            for key in _ROUTING:
                session.pop(key, None)
