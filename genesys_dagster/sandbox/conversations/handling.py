"""What every agent does with a conversation, whatever the medium: be alerted, work, wrap up.

Metrics follow the segments exactly: tTalk and tHeld per stretch, tTalkComplete, tHeldComplete and tAcw as
sums, tHandle as the sum of all of them (as in the published sample GenesysCloudBlueprints
conversation-model-to-sql-blueprint, conversation1.json; that dialling and after-call work count too is our
reading of the metric).
"""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.dice import Dice
from genesys_dagster.sandbox.directory import ALERTING, Queue
from genesys_dagster.sandbox.times import SECOND


def offer(draft: Draft, session: Session, queue: Queue, at: int, wait: int) -> int:
    """The acd session of a conversation waiting in a queue; returns when an agent takes it."""
    session.queue = queue.id
    session.segment("delay", at, at + 40, queueId=queue.id)
    session.metric("nOffered", 1, at + 40)
    taken = at + 40 + wait
    session.segment(
        "interact",
        at + 40,
        taken,
        queueId=queue.id,
        disconnectType="transfer",
        requestedRoutingSkillIds=list(queue.skill_ids),
        requestedLanguageId=queue.language_id,
    )
    session.metric("tAcd", wait, taken)
    if wait > queue.target(str(session.fields["mediaType"])):
        session.metric("nOverSla", 1, taken)
    draft.divisions[queue.division_id] = None
    _routing_facts(draft, session, queue)
    return taken


def abandon(draft: Draft, session: Session, queue: Queue, at: int, patience: int) -> int:
    """The acd session of a customer who gives up; returns when.

    However long they waited, it is not over the SLA: published aggregates of a voice org have 40 abandons of up to 835
    seconds in a queue and no `nOverSla`.
    """
    left = _leave(draft, session, queue, at, patience)
    disconnect(session, "peer")
    # Of web messages there are no abandons (Genesys help, "Why does the Offered metric not always equal …").
    if session.fields.get("messageType") != "webmessaging":
        session.metric("tAbandon", patience, left)
        # Short abandons count apart so that misdialled calls do not spoil the service level.
        if patience < 10 * SECOND:
            session.metric("tShortAbandon", patience, left)
    return left


def flow_out(draft: Draft, session: Session, queue: Queue, at: int, waited: int) -> int:
    """The acd session of a customer whom the in-queue flow takes elsewhere: to voicemail, another queue. Returns when."""
    left = _leave(draft, session, queue, at, waited)
    disconnect(session, "transfer")
    session.metric("tFlowOut", waited, left)
    return left


def _leave(draft: Draft, session: Session, queue: Queue, at: int, waited: int) -> int:
    session.queue = queue.id
    session.segment("delay", at, at + 40, queueId=queue.id)
    session.metric("nOffered", 1, at + 40)
    left = at + 40 + waited
    session.segment("interact", at + 40, left, queueId=queue.id)
    session.metric("tAcd", waited, left)
    draft.divisions[queue.division_id] = None
    return left


def _routing_facts(draft: Draft, session: Session, queue: Queue) -> None:
    """What routing looked at while the conversation waited."""
    dice = draft.dice
    waiting = int(draft.load * 12)
    session.fields["activeSkillIds"] = list(queue.skill_ids)
    session.fields["waitingInteractionCounts"] = [waiting + dice.between(0, 3)]
    session.fields["eligibleAgentCounts"] = [len(queue.members) - dice.between(0, 4)]
    if dice.chance(0.05):
        session.fields["routingRule"] = dice.uuid()
        session.fields["routingRuleType"] = "Conditional"
        session.fields["agentGroups"] = [
            {"agentGroupId": dice.pick(draft.directory.team_ids), "agentGroupType": "Team"}
        ]
        session.segments[-1]["scoredAgents"] = [
            {"scoredAgentId": queue.members[rank].id, "agentScore": 100 - 7 * rank} for rank in range(2)
        ]


def answer(session: Session, queue: Queue, alerted: int, at: int, wait: int) -> None:
    """The alert until the agent picks up at `at`, after the customer waited `wait` ms."""
    session.queue = queue.id
    session.segment("alert", alerted, at, queueId=queue.id)
    session.metric("tAlert", at - alerted, at)
    session.metric("tAnswered", wait, at)


def could_be_missed(dice: Dice, waited: int) -> bool:
    """Whether one of those who waited so long (ms) did so because an agent let the alert run out."""
    return waited > ALERTING // 2 and dice.chance(0.15)


def miss(session: Session, queue: Queue, offered: int, at: int) -> None:
    """An alert that the agent lets run out, before the one that is answered."""
    session.queue = queue.id
    alerted = max(offered, at - ALERTING)
    session.segment("alert", alerted, at, queueId=queue.id, disconnectType="noAnswerTransfer")
    session.metric("tAlert", at - alerted, at)
    session.metric("tNotResponding", at - alerted, at)
    session.metric("nAlertExpired", 1, at)


def work(  # noqa: PLR0913 - keywords
    draft: Draft, session: Session, queue: Queue, start: int, *, talk: int, holds: int
) -> tuple[int, int]:
    """Stretches of talk with holds in between.

    Returns:
        The end of the work and the time handled so far (talk + hold), both ms.
    """
    dice = draft.dice
    at, talked, held = start, 0, 0
    for stretch in range(holds + 1):
        length = max(1, talk // (holds + 1))
        session.segment("interact", at, at + length, queueId=queue.id)
        at += length
        talked += length
        session.metric("tTalk", length, at)
        if stretch < holds:
            pause = dice.around(35 * SECOND)
            session.segment("hold", at, at + pause, queueId=queue.id)
            at += pause
            held += pause
            session.metric("tHeld", pause, at)
    session.metric("tTalkComplete", talked, at)
    if held:
        session.metric("tHeldComplete", held, at)
    return at, talked + held


def disconnect(session: Session, kind: str) -> None:
    """Say how the session's last segment ended."""
    session.segments[-1]["disconnectType"] = kind


def wrap_up(draft: Draft, session: Session, queue: Queue, at: int, handled: int) -> int:
    """After-call work with a wrap-up code; returns when it is done. Emits tHandle."""
    dice = draft.dice
    if dice.chance(0.12):
        session.fields["acwSkipped"] = True
        session.metric("tHandle", handled, at)
        return at
    acw = dice.around(28 * SECOND, 0.7)
    done = at + acw
    segment: Json = session.segment("wrapup", at, done, queueId=queue.id, disconnectType="client")
    if dice.chance(0.05):
        # The code that Genesys Cloud itself sets when the agent's time for it runs out.
        segment["wrapUpCode"] = "ININ-WRAP-UP-TIMEOUT"
        segment["disconnectType"] = "timeout"
    elif dice.chance(0.97):
        segment["wrapUpCode"] = dice.pick(queue.wrapup_codes)
        if dice.chance(0.4):
            segment["wrapUpNote"] = dice.pick(names.WRAPUP_NOTES)
        if dice.chance(0.06):
            segment["wrapUpTags"] = ["vip", "follow up"][: dice.between(1, 2)]
    session.metric("tAcw", acw, done)
    session.metric("tHandle", handled + acw, done)
    return done


def routed(draft: Draft, queue: Queue, agent_id: str) -> Json:
    """The routing fields of a session that reached an agent."""
    dice = draft.dice
    if dice.chance(0.06):
        return {
            "requestedRoutings": ["Preferred", "Standard"],
            "usedRouting": "Preferred",
            "selectedAgentId": agent_id,
        }
    if dice.chance(0.05):
        return {
            "requestedRoutings": ["Predictive"],
            "usedRouting": "Predictive",
            "selectedAgentId": agent_id,
            "selectedAgentRank": 1,
            "proposedAgents": [
                {"proposedAgentId": draft.agent(queue, rank).id, "agentRank": rank + 1} for rank in range(2)
            ],
        }
    if dice.chance(0.05):
        return {
            "requestedRoutings": ["Bullseye"],
            "usedRouting": "Bullseye",
            "agentBullseyeRing": dice.between(1, 3),
            "routingRing": dice.between(1, 3),
            "removedSkillIds": list(queue.skill_ids),
            "selectedAgentId": agent_id,
        }
    return {"requestedRoutings": ["Standard"], "usedRouting": "Standard", "selectedAgentId": agent_id}
