"""A second agent on a call: consult, conference, consult transfer."""

from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.conversations.handling import disconnect, wrap_up
from genesys_dagster.sandbox.conversations.voice_media import Line, media_stats
from genesys_dagster.sandbox.directory import Queue
from genesys_dagster.sandbox.times import MINUTE, SECOND, from_iso


def ask_colleague(  # noqa: PLR0913 - keyword
    draft: Draft, line: Line, leg: Session, queue: Queue, at: int, *, conference: bool = False
) -> None:
    """Let the agent of `leg` ask a colleague during the last stretch of talk, which ends at `at`.

    In a conference the customer hears them both; otherwise the two agents talk apart.
    """
    other, rang = _colleague(draft, line, leg, queue, at)
    segment = other.segment("interact", rang, at, disconnectType="peer", conference=conference)
    for metric in ("tTalk", "tTalkComplete", "tHandle"):
        other.metric(metric, at - rang, at)
    if conference:
        draft.record["conferenceStart"] = segment["segmentStart"]
        leg.segments[-1]["conference"] = True


def hand_over(draft: Draft, line: Line, leg: Session, queue: Queue, at: int) -> int:
    """A consult transfer: the colleague is asked, then keeps the customer. Returns when the call ends."""
    other, rang = _colleague(draft, line, leg, queue, at, keeps=True)
    end = at + draft.dice.around(2 * MINUTE, 0.7)
    other.segment("interact", rang, end, queueId=queue.id, disconnectType="client")
    other.metric("tTalk", end - rang, end)
    other.metric("tTalkComplete", end - rang, end)
    media_stats(draft, other, rang, end, 1)
    leg.metric("nTransferred", 1, at)
    leg.metric("nConsultTransferred", 1, at)
    disconnect(leg, "consultTransfer")
    wrap_up(draft, other, queue, end, end - rang)
    return end


def _colleague(  # noqa: PLR0913 - keyword
    draft: Draft, line: Line, leg: Session, queue: Queue, at: int, *, keeps: bool = False
) -> tuple[Session, int]:
    """Ring the colleague within the last segment of `leg`; returns their session and when they answer.

    Who keeps the customer does so for the queue; who is only asked does not (our reading).
    """
    dice = draft.dice
    agent = draft.agent(queue, 17)
    earliest = from_iso(leg.segments[-1]["segmentStart"])
    started = max(earliest, at - dice.around(40 * SECOND))
    rang = started + (at - started) // 4
    consultation = dice.uuid()
    draft.record.setdefault("consultationConversationIds", []).append(consultation)
    fields: Json = line.leg(draft, session_dnis=agent.station)
    other = draft.session(
        draft.agent_participant(agent), "voice", "outbound", peerId=leg.id, remote=line.name, **fields
    )
    of_queue: Json = {"queueId": queue.id} if keeps else {}
    other.queue = of_queue.get("queueId")
    other.segment(
        "alert", started, rang, sourceConversationId=consultation, sourceSessionId=leg.id, **of_queue
    )
    other.metric("tAlert", rang - started, rang)
    leg.metric("nConsult", 1, started)
    leg.segments[-1]["destinationConversationId"] = consultation
    leg.segments[-1]["destinationSessionId"] = other.id
    return other, rang
