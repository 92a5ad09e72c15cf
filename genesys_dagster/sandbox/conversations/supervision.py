"""Supervisors on a call (monitoring, coaching, barging), and the voicemail at its end."""

from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.conversations.voice_media import Line
from genesys_dagster.sandbox.times import SECOND, from_iso

# segment type, metrics while and after, field that names the participant listened to
_WAYS = (
    ("monitoring", ("tMonitoring", "tMonitoringComplete"), "monitoredParticipantId"),
    ("coaching", ("tCoaching", "tCoachingComplete"), "coachedParticipantId"),
    ("barging", ("tBarging",), "bargedParticipantId"),
)


def supervise(draft: Draft, line: Line, leg: Session, agent: Json) -> None:
    """Let a supervisor listen in during the last stretch of an agent's session `leg`."""
    dice = draft.dice
    segment = leg.segments[-1]
    start, end = from_iso(segment["segmentStart"]), from_iso(segment["segmentEnd"])
    kind, metrics, field = dice.pick(_WAYS)
    supervisor = draft.directory.agents[dice.between(0, 3)]
    fields: Json = {field: agent["participantId"], **line.leg(draft, session_dnis=supervisor.station)}
    listening = draft.session(
        draft.participant("user", userId=supervisor.id, teamId=supervisor.team_id),
        "voice",
        "inbound",
        peerId=leg.id,
        **fields,
    )
    joined = start + (end - start) // 3
    listening.segment(kind, joined, end, disconnectType="client")
    for metric in metrics:
        listening.metric(metric, end - joined, end)


def leave_voicemail(draft: Draft, line: Line, customer: Session, at: int) -> int:
    """The customer leaves a message instead of waiting; returns when it is recorded."""
    box = draft.participant("voicemail", participantName="Voicemail")
    leg = draft.session(box, "voice", "inbound", peerId=customer.id, remote=line.name, **line.leg(draft))
    end = at + draft.dice.around(28 * SECOND)
    leg.segment("voicemail", at, end, disconnectType="peer")
    leg.metric("tVoicemail", end - at, end)
    return end
